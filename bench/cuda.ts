/**
 * `npm run bench -- cuda [PART...]`: Fettle and its peers on the GPU of this machine, with random weights of real shapes.
 * Every part runs in its own process under a time limit, and what is measured is printed and kept at once.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { UserError } from "../src/base/errors.ts";
import { suggestName } from "../src/base/names.ts";
import { packageRoot } from "../src/base/package-root.ts";
import { breakdownLines } from "./cuda/breakdown.ts";
import { type Measurement, type PartJob, speedOf } from "./cuda/measurement.ts";
import { groups, type Part, parts, type Target } from "./cuda/parts.ts";
import { agNewsRows, plainRows, readAgNewsTokens } from "./cuda/rows.ts";
import { type PartOutcome, runPart } from "./cuda/run-part.ts";
import { median } from "./harness/statistics.ts";

interface Options {
  readonly python: string;
  readonly json?: string;
  readonly scratch?: string;
  readonly minutes: number;
}

const GIB = 2 ** 30;

export function cudaCommand(): Command {
  const names = [...Object.keys(groups), ...parts.map(({ name }) => name)];
  return new Command("cuda")
    .description("Fettle and its peers on this machine's GPU")
    .argument("[parts...]", `of ${names.join(", ")}; default: all`)
    .option("--python <path>", "a Python that has torch and the peers' packages", "python3")
    .option("--json <file>", "write the figures there, again after each one")
    .option("--minutes <n>", "after which no part is started, and the one that runs is ended", Number, 60)
    .option("--scratch <folder>", "for 16 GB of a peer's random weights; default: a temporary folder")
    .action(async (chosen: string[], options: Options) => {
      process.exitCode = (await runParts(partsOf(chosen), options)) ? 0 : 1;
    });
}

function partsOf(chosen: readonly string[]): readonly Part[] {
  if (chosen.length === 0) return parts;
  const names = [...Object.keys(groups), ...parts.map(({ name }) => name)];
  return chosen.flatMap((name) => {
    const all = [...new Set([...parts, ...Object.values(groups).flat()])];
    const found = groups[name] ?? all.filter((part) => part.name === name);
    if (found.length > 0) return found;
    throw new UserError({
      code: "bench/unknown-name",
      message: `the CUDA benchmark has no part "${name}"`,
      fix: suggestName(name, names),
    });
  });
}

async function runParts(chosen: readonly Part[], { python, json, scratch: given, minutes }: Options): Promise<boolean> {
  const scratch = given ?? mkdtempSync(join(tmpdir(), "fettle-bench-cuda-"));
  mkdirSync(scratch, { recursive: true });
  const outcomes: Record<string, object> = {};
  let passed = true;
  const deadline = performance.now() + minutes * 60_000;
  try {
    const common = commonJob(scratch);
    for (const part of chosen) {
      console.log(`\n${part.name}: ${part.title}`);
      const timeout = Math.min(part.timeout, (deadline - performance.now()) / 1000);
      if (timeout <= 0) {
        console.log(`  not measured: ${minutes} minutes are over`);
        passed = false;
        continue;
      }
      const seen: Measurement[] = [];
      const keep = (outcome: Partial<PartOutcome>): void => {
        outcomes[part.name] = { title: part.title, measurements: seen, ...outcome };
        if (json === undefined) return;
        mkdirSync(dirname(json), { recursive: true });
        writeFileSync(json, `${JSON.stringify(outcomes, null, 1)}\n`);
      };
      const outcome = await runPart({ ...part, timeout }, writeJob(scratch, part, common), python, (measurement) => {
        seen.push(measurement);
        keep({});
        for (const line of measurementLines(measurement)) console.log(line);
      });
      keep(outcome);
      for (const line of scalingLines(part, seen, outcomes)) console.log(line);
      if (outcome.failure !== undefined) console.log(`  not measured to the end: ${outcome.failure}`);
      passed = judge(part, outcome) && passed;
    }
  } finally {
    if (given === undefined) rmSync(scratch, { recursive: true, force: true });
  }
  return passed;
}

type CommonJob = Omit<PartJob, "model" | "shape" | "method" | "budgetGiB" | "zeroStage" | "tries">;

function commonJob(scratch: string): CommonJob {
  const tokens = readAgNewsTokens();
  const write = (name: string, rows: object): string => {
    const path = join(scratch, `${name}.json`);
    writeFileSync(path, JSON.stringify(rows));
    return path;
  };
  return {
    rows: {
      "ag-news": write("ag-news", agNewsRows(1024, tokens)),
      "plain-2048": write("plain-2048", plainRows(32, 2048, 1)),
      "plain-2048-quarter": write("plain-2048-quarter", plainRows(32, 2048, 0.25)),
    },
    answers: tokens.answers,
    rank: 16,
    alpha: 32,
    learningRate: 1e-4,
    warmUp: 2,
    steps: 5,
    scratch,
  };
}

function writeJob(
  scratch: string,
  { name, shape, method, budgetGiB, zeroStage, tries }: Part,
  common: CommonJob,
): string {
  const path = join(scratch, `${name}.job.json`);
  const model = join(packageRoot, "bench/cuda/models", shape);
  const job: PartJob = {
    ...common,
    model,
    shape,
    method,
    budgetGiB: budgetGiB ?? null,
    zeroStage: zeroStage ?? 0,
    tries,
  };
  writeFileSync(path, JSON.stringify(job));
  return path;
}

function measurementLines({ workload, setting, failure, ...m }: Measurement): string[] {
  const head = `  ${workload}, ${setting}`;
  if (failure !== undefined) return [`${head}: not measured: ${failure}`];
  const figures = [
    `${m.examplesPerSecond!.toFixed(1)} examples/s`,
    `${m.tokensPerSecond!.toFixed(0)} tokens/s of the data`,
    `${m.computedPerSecond!.toFixed(0)} computed`,
    `${(1000 * median(m.stepSeconds!)).toFixed(1)} ms a step`,
    `peak ${gib(m.peakBytes)}${m.predicted === undefined ? "" : ` (${gib(m.predicted.peakBytes)} predicted)`}`,
    `on the card ${gib(m.deviceBytes)}`,
    ...(m.peakShare === undefined ? [] : [`${(100 * m.peakShare).toFixed(1)} % of the card's bf16 peak`]),
    ...(m.loss === undefined ? [] : [`loss ${m.loss.toFixed(3)}`]),
  ];
  return [`${head}: ${figures.join(", ")}`, ...(m.breakdown === undefined ? [] : breakdownLines(m.breakdown))];
}

function gib(bytes: number | undefined): string {
  return bytes === undefined ? "unknown" : `${(bytes / GIB).toFixed(2)} GiB`;
}

/** How much faster several cards are than the one that was measured before, at the same batch. */
function scalingLines(
  { name, gpus = 1 }: Part,
  measurements: readonly Measurement[],
  outcomes: Readonly<Record<string, object>>,
): string[] {
  const before = outcomes[name.replace(/-\d+$/, "-1")] as Partial<PartOutcome> | undefined;
  if (gpus === 1 || before?.measurements === undefined) return [];
  return measurements.flatMap((measurement) => {
    const batch = batchOf(measurement);
    const one = before.measurements!.find((other) => batchOf(other) === batch);
    if (!one || measurement.failure || one.failure) return [];
    return [`  ${batch} on ${gpus} GPUs: ${(speedOf(measurement) / speedOf(one)).toFixed(3)} times one`];
  });
}

function batchOf({ workload, setting }: Measurement): string {
  return `${workload}, ${setting.split(",")[0]}`;
}

/** Says how the best measurement of the part's first workload stands against the target; false when it misses. */
function judge({ target, tries }: Part, { measurements }: PartOutcome): boolean {
  if (target === undefined) return true;
  const candidates = measurements.filter(({ workload }) => workload === tries[0]!.workload);
  const best = candidates.reduce<Measurement | undefined>(
    (most, candidate) => (most === undefined || speedOf(candidate) > speedOf(most) ? candidate : most),
    undefined,
  );
  const checks = Object.entries(target).map(([what, wanted]) => {
    const value = best === undefined ? undefined : figureOf(best, what as keyof Target);
    const met = value !== undefined && (what === "peakGiB" ? value <= wanted : value >= wanted);
    return { met, text: `${what} ${value?.toFixed(1) ?? "none"}, target ${wanted}: ${met ? "reached" : "missed"}` };
  });
  console.log(`  ${checks.map(({ text }) => text).join("; ")}`);
  return checks.every(({ met }) => met);
}

function figureOf(measurement: Measurement, what: keyof Target): number | undefined {
  if (what !== "peakGiB") return measurement[what];
  return measurement.peakBytes === undefined ? undefined : measurement.peakBytes / GIB;
}
