/** Process of a part: exact probabilities of all labels by Fettle, as `fettle eval` and `fettle predict` make them. */
import { openModel } from "../../src/model/families/model.ts";
import { LabelScorer, type LabelScores } from "../../src/tune/score/label-scorer.ts";
import { buildLabelTries } from "../../src/tune/score/label-trie.ts";
import { LedgerCounter } from "../../src/tune/train/ledger.ts";
import { openCard } from "./device.ts";
import { measureTries, readJob, readRows } from "./part-process.ts";

/** Passes timed together. */
const PASSES = 4;

const job = readJob();
const device = openCard(job.budgetGiB);
const model = openModel(job.model, device, { format: { kind: "bf16" }, randomSeed: 1 });

const shape = { config: model.decoder.config, trainsWeights: false, supervisedRowsOnly: true };

measureTries(job, device, ({ workload, batch, maxTokens }) => {
  const rows = readRows(job, workload);
  const scorer = new LabelScorer(model.decoder, { maxTokens });
  let next = 0;
  return {
    setting: `${PASSES} times ${batch} prompts, packs of ${maxTokens}`,
    step() {
      const prompts = Array.from({ length: PASSES * batch }, () => {
        const { ids, prompt } = rows[next++ % rows.length]!;
        return ids.slice(0, prompt);
      });
      const candidates = prompts.map((prompt) =>
        job.answers.map((answer) => ({ ids: Int32Array.from([...prompt, ...answer]), begin: prompt.length })),
      );
      // As `LabelScorer.stream` goes through a file: a pass is launched before the one ahead of it is read.
      let finish: (() => readonly LabelScores[]) | undefined;
      for (let begin = 0; begin < candidates.length; begin += batch) {
        const before = finish;
        finish = scorer.begin(candidates.slice(begin, begin + batch));
        if (before) expectFinite(before());
      }
      expectFinite(finish!());
      return () => {
        const ledger = new LedgerCounter(shape);
        for (let begin = 0; begin < candidates.length; begin += batch) {
          for (const trie of buildLabelTries(candidates.slice(begin, begin + batch).flat(), maxTokens!)) {
            ledger.add([], [{ ...trie, targets: trie.rows, weights: new Float32Array(0), examples: 0 }]);
          }
        }
        const { tokensComputed: computed, flopsComputed } = ledger.ledger();
        const tokens = prompts.reduce((sum, prompt) => sum + prompt.length, 0);
        // The ledger counts a backward pass too, which over a frozen base takes as much as the forward pass.
        return { examples: prompts.length, tokens, computed, flops: flopsComputed / 2 };
      };
    },
  };
});
// The next part finds what was timed and chosen here.
device.close();

function expectFinite(scores: readonly LabelScores[]): void {
  if (!scores.every(({ outside }) => Number.isFinite(outside))) throw new Error("a score is not finite");
}
