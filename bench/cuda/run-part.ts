/** Runs a part's process to its end or its time limit, and collects what it prints. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { packageRoot } from "../../src/base/package-root.ts";
import type { Measurement } from "./measurement.ts";
import { isOwn, type Part } from "./parts.ts";

export interface PartOutcome {
  readonly seconds: number;
  readonly measurements: readonly Measurement[];
  /** Why it ended before its last try, with the end of what it said; undefined if it did not. */
  readonly failure: string | undefined;
}

/** Characters of a failed process's last words that are kept. */
const LAST_WORDS = 3000;

/**
 * @param job path of the job file
 * @param python that has the peers' packages
 * @param onMeasurement called as each is printed
 */
export async function runPart(
  part: Part,
  job: string,
  python: string,
  onMeasurement: (measurement: Measurement) => void,
): Promise<PartOutcome> {
  const [command, folder] = isOwn(part) ? [process.execPath, "dist/bench/cuda"] : [python, "bench/peer"];
  const { gpus = 1 } = part;
  const environment = { ...process.env, ...offline };
  const [child, ...others] = Array.from({ length: gpus }, (_, rank) =>
    spawn(command, [join(packageRoot, folder, part.program), job], {
      stdio: ["ignore", "pipe", "pipe"],
      env: gpus === 1 ? environment : { ...environment, ...placeOf(rank, gpus) },
    }),
  ) as [ChildProcessByStdio<null, Readable, Readable>, ...ChildProcessByStdio<null, Readable, Readable>[]];
  const begin = performance.now();
  const measurements: Measurement[] = [];
  let words = "";
  const hear = (text: string): void => {
    words = (words + text).slice(-LAST_WORDS);
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    const measurement = measurementOf(line);
    if (measurement === undefined) return hear(`${line}\n`);
    measurements.push(measurement);
    onMeasurement(measurement);
  });
  for (const { stderr } of [child, ...others]) stderr.on("data", (text: Buffer) => hear(text.toString()));
  child.on("error", (error) => hear(error.message));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    for (const one of [child, ...others]) one.kill("SIGKILL");
  }, part.timeout * 1000);
  const status = await new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? signal));
    child.on("error", () => resolve(null));
  });
  clearTimeout(timer);
  const end = late
    ? `it took more than ${part.timeout.toFixed(0)} seconds`
    : status === 0
      ? undefined
      : `it ended with ${status}`;
  return {
    seconds: (performance.now() - begin) / 1000,
    measurements,
    failure: end === undefined ? undefined : `${end}; it said:\n${words.trim()}`,
  };
}

/** By the contract of torchrun. */
function placeOf(rank: number, size: number): Record<string, string> {
  const [own, all] = [String(rank), String(size)];
  const job = { MASTER_ADDR: "127.0.0.1", MASTER_PORT: "29400", FETTLE_JOB: `bench ${process.pid}` };
  return { ...job, RANK: own, LOCAL_RANK: own, WORLD_SIZE: all, LOCAL_WORLD_SIZE: all };
}

/** Programs print other lines too. */
function measurementOf(line: string): Measurement | undefined {
  if (!line.startsWith('{"measurement"')) return undefined;
  return (JSON.parse(line) as { measurement: Measurement }).measurement;
}

/** The peers ask the network for nothing. */
const offline: Readonly<Record<string, string>> = {
  HF_HUB_OFFLINE: "1",
  TRANSFORMERS_OFFLINE: "1",
  HF_DATASETS_OFFLINE: "1",
  UNSLOTH_DISABLE_STATISTICS: "1",
  WANDB_DISABLED: "true",
  TOKENIZERS_PARALLELISM: "false",
  PYTHONDONTWRITEBYTECODE: "1",
  PYTHONUNBUFFERED: "1",
  PYTORCH_CUDA_ALLOC_CONF: "expandable_segments:True",
};
