/** The time of an optimizer step, kernel by kernel, and what is left beside the kernels. */
import { openDevice } from "../src/engine/open-device.ts";
import { BenchTrainee, examplesOf } from "./fettle/trainee.ts";
import type { Benchmark, BenchmarkContext } from "./harness/benchmark.ts";
import type { TrainJob } from "./harness/jobs.ts";
import { kernelAndSizes, LaunchTimes } from "./harness/launch-times.ts";
import { randomRows } from "./harness/rows.ts";
import { Scratch } from "./harness/scratch.ts";
import { trainJob } from "./harness/train-race.ts";

/** Kernels with less than this part of a step are added up. */
const SHOWN_FROM = 0.01;

const STEPS = 20;

interface Profile {
  readonly name: string;
  readonly milliseconds: number;
  readonly launches: number;
  readonly kernels: readonly { readonly name: string; readonly launches: number; readonly milliseconds: number }[];
}

export const profile: Benchmark = {
  question: "Where does the time of an optimizer step go?",
  async run(context) {
    using scratch = new Scratch();
    const profiles: Profile[] = [];
    for (const [length, shared] of [
      [64, 0],
      [256, 192],
    ] as const) {
      for (const method of ["lora", "full"] as const) {
        const batches = randomRows({ batches: 4, batch: 16, length, shared, vocabulary: 8000 });
        const job = {
          ...trainJob({ method, model: scratch.model, threads: context.threads, batches }),
          precision: "auto" as const,
        };
        const name = `${method}, 16 rows of ${length} tokens, ${shared} shared`;
        const measured = await profileStep(name, job);
        profiles.push(measured);
        print(measured, context);
      }
    }
    return { passed: true, json: { profiles } };
  },
};

async function profileStep(name: string, job: TrainJob): Promise<Profile> {
  const { device } = await openDevice({ threads: job.threads });
  const times = new LaunchTimes(device, kernelAndSizes);
  const trainee = new BenchTrainee(device, job);
  const batches = examplesOf(job);
  for (const batch of batches) trainee.step(batch);
  times.take();
  const begin = performance.now();
  for (let step = 0; step < STEPS; step++) trainee.step(batches[step % batches.length]!);
  const milliseconds = (performance.now() - begin) / STEPS;
  const kernels = [...times.take()].map(([kernel, seconds]) => ({
    name: kernel,
    launches: seconds.length / STEPS,
    milliseconds: (1000 * seconds.reduce((sum, value) => sum + value, 0)) / STEPS,
  }));
  kernels.sort((a, b) => b.milliseconds - a.milliseconds);
  device.close();
  return { name, milliseconds, launches: kernels.reduce((sum, { launches }) => sum + launches, 0), kernels };
}

function print({ name, milliseconds, launches, kernels }: Profile, context: BenchmarkContext): void {
  context.print(`${name}: ${milliseconds.toFixed(2)} ms, ${launches} launches`);
  const line = (label: string, count: number, time: number): void =>
    context.print(
      `  ${time.toFixed(2).padStart(7)} ms ${((100 * time) / milliseconds).toFixed(1).padStart(5)} %  ` +
        `${String(count).padStart(4)} times  ${label}`,
    );
  const shown = kernels.filter((kernel) => kernel.milliseconds >= SHOWN_FROM * milliseconds);
  for (const kernel of shown) line(kernel.name, kernel.launches, kernel.milliseconds);
  const rest = kernels.slice(shown.length);
  line("other kernels", sum(rest, "launches"), sum(rest, "milliseconds"));
  line("beside the kernels", 0, milliseconds - sum(kernels, "milliseconds"));
}

function sum<K extends string>(values: readonly Readonly<Record<K, number>>[], key: K): number {
  return values.reduce((total, value) => total + value[key], 0);
}
