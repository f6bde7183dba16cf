/** Process of a part: optimizer steps of Fettle, as `fettle train` makes them. */
import { parseRecipe } from "../../src/base/recipe/load.ts";
import type { Recipe } from "../../src/base/recipe/recipe.ts";
import { LedgerCounter } from "../../src/tune/train/ledger.ts";
import { prepareTrainee } from "../../src/tune/train/method.ts";
import { optimizerStep, type StepSettings } from "../../src/tune/train/step.ts";
import { optimizerOf } from "../../src/tune/train/train.ts";
import { openCard } from "./device.ts";
import type { PartJob } from "./measurement.ts";
import { measureTries, RowSource, readJob } from "./part-process.ts";
import type { Try } from "./parts.ts";
import type { Row } from "./rows.ts";

const job = readJob();
const recipe = recipeOf(job);
const device = openCard(job.budgetGiB);
using trainee = prepareTrainee(recipe, job.model, null, device);
using optimizer = optimizerOf(recipe, trainee);

measureTries(job, device, (attempt) => {
  const rows = new RowSource(job, attempt.workload);
  const settings = settingsOf(attempt);
  const work = {
    config: trainee.model.decoder.config,
    trainsWeights: job.method === "full",
    supervisedRowsOnly: settings.packing.supervised_rows_only,
  };
  return {
    setting: `batch ${attempt.batch}, packs of ${settings.maxTokens}, ${recomputeText(settings)}`,
    step() {
      const examples = rows.take(attempt.batch).map(exampleOf);
      const { loss, packs } = optimizerStep(trainee, optimizer, [examples], job.learningRate, settings);
      return () => {
        const ledger = new LedgerCounter(work);
        ledger.add(examples, packs);
        const { tokens, tokensComputed: computed, flopsComputed: flops } = ledger.ledger();
        return { examples: examples.length, tokens, computed, flops, loss };
      };
    },
  };
});

/** The recipe that a user would write for the part; data and template play no part here. */
function recipeOf({ model, method, rank, alpha, learningRate }: PartJob): Recipe {
  const lora = { r: rank, lora_alpha: alpha, target_modules: "all-linear" };
  const text = JSON.stringify({
    base: model,
    method,
    device: "cuda",
    ...(method !== "full" && { lora }),
    data: { train: "rows.jsonl" },
    template: { user: "{text}", assistant: "{label}" },
    training: { learning_rate: learningRate, ...(method === "full" && { optim: "adamw_8bit" }) },
  });
  // A recipe may not ask for an adapter over random weights, which learns nothing of use.
  return { ...parseRecipe(text, "bench.yaml").recipe, init: "random" };
}

function settingsOf({ maxTokens }: Try): StepSettings {
  return {
    seed: recipe.seed,
    packing: recipe.packing,
    maxTokens: maxTokens!,
    recompute: { cheap: false, fullLayers: 0 },
    maxGradNorm: recipe.training.max_grad_norm,
  };
}

function recomputeText({ recompute: { cheap, fullLayers } }: StepSettings): string {
  if (fullLayers > 0) return `${fullLayers} layers recomputed`;
  return cheap ? "cheap activations recomputed" : "nothing recomputed";
}

function exampleOf({ ids, prompt }: Row): { ids: Int32Array; supervised: Uint8Array } {
  return { ids: Int32Array.from(ids), supervised: Uint8Array.from(ids, (_, i) => (i >= prompt ? 1 : 0)) };
}
