/** Optimizer steps against the peer's, with LoRA and in full, on rows of one shape. */
import type { BenchmarkAnswer, BenchmarkContext } from "./benchmark.ts";
import { fettleContestant, peerContestants } from "./contestants.ts";
import type { TrainJob } from "./jobs.ts";
import { race } from "./race.ts";
import { meetsTargets, raceLines, type Targets } from "./race-table.ts";
import { randomRows } from "./rows.ts";
import { Scratch } from "./scratch.ts";

export interface TrainRace {
  /** Tokens of a row, and how many at its beginning all rows have in common. */
  readonly length: number;
  readonly shared: number;
  readonly targets: Targets;
}

const BATCH = 16;

/** About what `{"category":"World"}` and the end of turn take. */
const SUPERVISED = 6;

/** How both sides train; only what is measured differs. */
export function trainJob(
  what: Pick<TrainJob, "method" | "model" | "threads" | "batches">,
): Omit<TrainJob, "precision"> {
  return {
    ...what,
    supervised: SUPERVISED,
    learningRate: 1e-4,
    weightDecay: 0.01,
    maxGradNorm: 1,
    rank: 16,
    alpha: 32,
  };
}

export async function trainRace(
  { length, shared, targets }: TrainRace,
  context: BenchmarkContext,
): Promise<BenchmarkAnswer> {
  using scratch = new Scratch();
  const python = await context.python();
  const { threads } = context;
  const batches = randomRows({ batches: 4, batch: BATCH, length, shared, vocabulary: 8000 });
  const results = [];
  for (const method of ["lora", "full"] as const) {
    const job = trainJob({ method, model: scratch.model, threads, batches });
    const fettle = fettleContestant("train", job, scratch);
    const peers = peerContestants("train", job, scratch, python);
    const result = await race(fettle, peers, { ...context, batch: BATCH });
    const title = method === "lora" ? "LoRA, rank 16 on all linear layers" : "full fine-tuning";
    for (const line of raceLines(title, result, targets)) context.print(line);
    results.push({ method, ...result, targets, passed: meetsTargets(result, targets) });
  }
  return { passed: results.every(({ passed }) => passed), json: { length, shared, batch: BATCH, results } };
}
