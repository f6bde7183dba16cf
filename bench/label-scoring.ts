/** Four labels scored exactly, against an answer generated token by token, which must still be parsed. */
import { loadTokenizer } from "../src/model/text/tokenizer.ts";
import type { Benchmark } from "./harness/benchmark.ts";
import { fettleContestant, peerContestants } from "./harness/contestants.ts";
import type { ScoreJob } from "./harness/jobs.ts";
import { race } from "./harness/race.ts";
import { meetsTargets, raceLines } from "./harness/race-table.ts";
import { randomRows } from "./harness/rows.ts";
import { modelFolder, Scratch } from "./harness/scratch.ts";

const BATCH = 16;
const targets = { speedup: 8 };
const classes = ["World", "Sports", "Business", "Sci/Tech"];

export const labelScoring: Benchmark = {
  question: "How much faster is the label of a prompt of 256 tokens, of which 192 are the same in all, 16 a batch?",
  async run(context) {
    using scratch = new Scratch();
    const tokenizer = loadTokenizer(modelFolder);
    const job: Omit<ScoreJob, "precision"> = {
      model: scratch.model,
      threads: context.threads,
      batches: randomRows({ batches: 4, batch: BATCH, length: 256, shared: 192, vocabulary: 8000 }),
      labels: classes.map((name) => [...tokenizer.encode(`${JSON.stringify({ category: name })}<|im_end|>`).ids]),
    };
    const fettle = fettleContestant("score", job, scratch);
    const peers = peerContestants("score", job, scratch, await context.python());
    const result = await race(fettle, peers, { ...context, batch: BATCH });
    const lengths = job.labels.map(({ length }) => length).join(", ");
    for (const line of raceLines(`labels of ${lengths} tokens`, result, targets)) context.print(line);
    const passed = meetsTargets(result, targets);
    return { passed, json: { labels: lengths, batch: BATCH, ...result, targets, passed } };
  },
};
