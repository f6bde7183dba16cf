/**
 * `npm run bench [-- NAME...]`: every benchmark of the CPU, or those named. `npm run bench -- cuda [PART...]`: those of
 * the GPU. Exit code 1 says that a target was missed.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { UserError } from "../src/base/errors.ts";
import { suggestName } from "../src/base/names.ts";
import { cudaCommand } from "./cuda.ts";
import { cudaLoadingCommand } from "./cuda-loading.ts";
import { dataCommand } from "./data.ts";
import type { Benchmark } from "./harness/benchmark.ts";
import { findPeer } from "./harness/peer-environment.ts";
import { kernels } from "./kernels.ts";
import { labelScoring } from "./label-scoring.ts";
import { plainRows } from "./plain-rows.ts";
import { profile } from "./profile.ts";
import { regionsCommand } from "./regions.ts";
import { scanToolsCommand } from "./scan-tools.ts";
import { serveCommand } from "./serve.ts";
import { sharedPrompt } from "./shared-prompt.ts";

const benchmarks: Readonly<Record<string, Benchmark>> = {
  "plain-rows": plainRows,
  "shared-prompt": sharedPrompt,
  "label-scoring": labelScoring,
  kernels,
  profile,
};

interface Options {
  readonly threads: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly python?: string;
  readonly json?: string;
}

const program = new Command("bench")
  .enablePositionalOptions()
  .argument("[names...]", `of ${Object.keys(benchmarks).join(", ")}; default: all`)
  .option("--threads <n>", "threads of each side", positive, availableParallelism())
  .option("--rounds <n>", "measurements of each side, taken in turn", positive, 5)
  .option("--seconds <n>", "that one measurement takes at least", positive, 2)
  .option("--python <path>", "a Python that has the peer's packages; default: one is made in a scratch folder")
  .option("--json <file>", "write the figures there")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .addHelpText("after", "\nFETTLE_BENCH_ENV names the folder of the peer's Python environment.")
  .action(async (names: string[], options: Options) => {
    const answers: Record<string, object> = {};
    let passed = true;
    let peer: Promise<string | undefined> | undefined;
    const machine = `${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${options.threads} threads`;
    console.log(machine);
    for (const name of names.length > 0 ? names : Object.keys(benchmarks)) {
      const { question, run } = benchmarkOf(name);
      console.log(`\n${name}: ${question}`);
      const answer = await run({
        ...options,
        print: console.log,
        python: () =>
          (peer ??= findPeer({ python: options.python, folder: process.env.FETTLE_BENCH_ENV, print: console.log })),
      });
      answers[name] = answer.json;
      passed &&= answer.passed;
    }
    if (options.json !== undefined) {
      writeFileSync(options.json, `${JSON.stringify({ machine, node: process.version, ...answers }, null, 2)}\n`);
    }
    process.exitCode = passed ? 0 : 1;
  });

program
  .addCommand(serveCommand())
  .addCommand(cudaCommand())
  .addCommand(cudaLoadingCommand())
  .addCommand(dataCommand())
  .addCommand(regionsCommand())
  .addCommand(scanToolsCommand());

function benchmarkOf(name: string): Benchmark {
  const benchmark = benchmarks[name];
  if (benchmark !== undefined) return benchmark;
  throw new UserError({
    code: "bench/unknown-name",
    message: `there is no benchmark "${name}"`,
    fix: suggestName(name, Object.keys(benchmarks)),
  });
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("a whole number from 1 is wanted");
  return value;
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.describe());
  process.exitCode = 2;
}
