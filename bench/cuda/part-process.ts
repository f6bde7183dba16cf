/** The process of one of Fettle's parts: reads its job, tries each setting, prints a measurement a line. */
import { readFileSync } from "node:fs";
import { messageOf, UserError } from "../../src/base/errors.ts";
import { alone, type ProcessGroup } from "../../src/engine/device/collective/process-group.ts";
import { speedsOf } from "../../src/engine/device/cuda/cards.ts";
import type { CudaDevice } from "../../src/engine/device/cuda/cuda-device.ts";
import { median } from "../harness/statistics.ts";
import { breakdownOf } from "./breakdown.ts";
import { bytesInUse } from "./device.ts";
import type { Measurement, PartJob } from "./measurement.ts";
import type { Try, Workload } from "./parts.ts";
import type { Row } from "./rows.ts";

export function readJob(): PartJob {
  return JSON.parse(readFileSync(process.argv[2]!, "utf8")) as PartJob;
}

export function readRows(job: PartJob, workload: Workload): Row[] {
  return JSON.parse(readFileSync(job.rows[workload], "utf8")) as Row[];
}

/** What one step did. */
export interface StepWork {
  readonly examples: number;
  readonly tokens: number;
  readonly computed: number;
  readonly flops: number;
  readonly loss?: number;
}

/** A step does its work, and returns what tells afterwards how much it was: counting is not timed. */
export interface PreparedTry {
  readonly setting: string;
  readonly predicted?: Measurement["predicted"];
  readonly step: () => () => StepWork;
}

/**
 * Measures each try of a job and prints it at once; one that fails does not stop the others.
 * @param begin makes a try ready
 */
export function measureTries(
  job: PartJob,
  device: CudaDevice,
  begin: (attempt: Try) => PreparedTry,
  { rank }: Pick<ProcessGroup, "rank"> = alone,
): void {
  // Of several processes the first speaks.
  const print = rank === 0 ? printMeasurement : () => {};
  for (const attempt of job.tries) {
    const { workload } = attempt;
    try {
      device.resetPeak();
      const run = begin(attempt);
      print({ workload, setting: run.setting, predicted: run.predicted, ...measure(job, device, run.step) });
    } catch (error) {
      const failure = error instanceof UserError ? error.describe() : messageOf(error);
      const stack = error instanceof UserError || !(error instanceof Error) ? "" : `\n${error.stack}`;
      print({ workload, setting: `batch ${attempt.batch}`, failure: failure + stack });
    }
  }
}

function measure(
  job: PartJob,
  device: CudaDevice,
  step: PreparedTry["step"],
): Omit<Measurement, "workload" | "setting"> {
  let loss: number | undefined;
  for (let i = 0; i < job.warmUp; i++) loss = step()().loss;
  device.wait();
  const works: StepWork[] = [];
  const stepSeconds: number[] = [];
  for (let i = 0; i < job.steps; i++) {
    const start = performance.now();
    const count = step();
    device.wait();
    stepSeconds.push((performance.now() - start) / 1000);
    works.push(count());
    loss = works.at(-1)!.loss;
  }
  if (loss !== undefined && !Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
  const { peak: peakBytes } = device.memory();
  const kernels = device.profile(() => void step());
  const rate = (count: (work: StepWork) => number): number =>
    median(works.map((work, i) => count(work) / stepSeconds[i]!));
  const { peak } = speedsOf(device.properties);
  const deviceBytes = bytesInUse();
  return {
    stepSeconds,
    examplesPerSecond: rate(({ examples }) => examples),
    tokensPerSecond: rate(({ tokens }) => tokens),
    computedPerSecond: rate(({ computed }) => computed),
    peakBytes,
    ...(deviceBytes !== undefined && { deviceBytes }),
    ...(loss !== undefined && { loss }),
    peakShare: rate(({ flops }) => flops) / peak,
    breakdown: breakdownOf(kernels, 1000 * median(stepSeconds)),
  };
}

function printMeasurement(measurement: Measurement): void {
  process.stdout.write(`${JSON.stringify({ measurement })}\n`);
}
