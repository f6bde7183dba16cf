/** Process of a part: exact probabilities of all labels by Fettle, as `fettle eval` and `fettle predict` make them. */
import { openModel } from "../../src/model/families/model.ts";
import { LabelScorer } from "../../src/tune/score/label-scorer.ts";
import { buildLabelTries } from "../../src/tune/score/label-trie.ts";
import { LedgerCounter } from "../../src/tune/train/ledger.ts";
import { openCard } from "./device.ts";
import { measureTries, readJob, readRows } from "./part-process.ts";

const job = readJob();
const device = openCard(job.budgetGiB);
using model = openModel(job.model, device, { format: { kind: "bf16" }, randomSeed: 1 });

const shape = { config: model.decoder.config, trainsWeights: false, supervisedRowsOnly: true };

measureTries(job, device, ({ workload, batch, maxTokens }) => {
  const rows = readRows(job, workload);
  const scorer = new LabelScorer(model.decoder, { maxTokens });
  let next = 0;
  return {
    setting: `${batch} prompts, packs of ${maxTokens}`,
    step() {
      const prompts = Array.from({ length: batch }, () => {
        const { ids, prompt } = rows[next++ % rows.length]!;
        return ids.slice(0, prompt);
      });
      const candidates = prompts.map((prompt) =>
        job.answers.map((answer) => ({ ids: Int32Array.from([...prompt, ...answer]), begin: prompt.length })),
      );
      const scores = scorer.score(candidates);
      if (!scores.every(({ outside }) => Number.isFinite(outside))) throw new Error("a score is not finite");
      return () => {
        const ledger = new LedgerCounter(shape);
        for (const trie of buildLabelTries(candidates.flat(), maxTokens!)) {
          ledger.add([], [{ ...trie, targets: trie.rows, weights: new Float32Array(0), examples: 0 }]);
        }
        const { tokensComputed: computed, flopsComputed } = ledger.ledger();
        const tokens = prompts.reduce((sum, prompt) => sum + prompt.length, 0);
        // The ledger counts a backward pass too, which over a frozen base takes as much as the forward pass.
        return { examples: batch, tokens, computed, flops: flopsComputed / 2 };
      };
    },
  };
});
