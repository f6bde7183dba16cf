/** Process of a part: optimizer steps of Fettle, planned and made as `fettle train` does it. */
import { processPlace } from "../../src/app/process-place.ts";
import { parseRecipe } from "../../src/base/recipe/load.ts";
import type { Recipe } from "../../src/base/recipe/recipe.ts";
import { Link } from "../../src/engine/device/collective/link.ts";
import { alone } from "../../src/engine/device/collective/process-group.ts";
import { openCollective } from "../../src/engine/open-collective.ts";
import type { EncodedExample } from "../../src/tune/data/pack.ts";
import { LedgerCounter } from "../../src/tune/train/ledger.ts";
import { describeRecompute } from "../../src/tune/train/memory/forecast.ts";
import { type MemoryPlan, planMemory } from "../../src/tune/train/memory/plan-memory.ts";
import { targetOf } from "../../src/tune/train/memory/target.ts";
import { describeFormat } from "../../src/tune/train/memory/weight-formats.ts";
import { prepareTrainee, type Trainee } from "../../src/tune/train/method.ts";
import { type Updating, updatingOf } from "../../src/tune/train/optimizer-of.ts";
import { Plan } from "../../src/tune/train/plan.ts";
import { optimizerStep, prepareStep, type StepWork } from "../../src/tune/train/step.ts";

import { openCard } from "./device.ts";
import { measureTries, type PreparedTry, readJob, readRows } from "./part-process.ts";
import type { Try } from "./parts.ts";

const GIB = 2 ** 30;

const job = readJob();
const place = processPlace();
const group = place === undefined ? alone : await Link.open(place);
const device = openCard(job.budgetGiB, place?.localRank);
const collective = openCollective(group, device);
const planned = job.tries.map((attempt) => {
  const recipe = recipeOf(attempt);
  const examples = examplesOf(attempt);
  const plan = new Plan(examples.length, recipe.training, recipe.seed);
  const example = (index: number): EncodedExample => examples[index]!;
  const memory = planMemory({
    recipe,
    base: job.model,
    target: targetOf(device, recipe),
    plan,
    example,
    processes: group.size,
  });
  return { attempt, recipe, plan, example, memory };
});

/** The model as the last try had it; the next one takes it over unless its plan holds the weights otherwise. */
let made: { readonly format: string; readonly trainee: Trainee; readonly updating: Updating } | undefined;

const begin = (attempt: Try): PreparedTry => {
  const { recipe, plan, example, memory } = planned.find((candidate) => candidate.attempt === attempt)!;
  const { trainee, updating } = traineeFor(recipe, memory);
  const { optimizer, reduction } = updating;
  const { maxTokens, recompute } = memory;
  const { seed, packing, training } = recipe;
  const settings = { seed, packing, maxTokens, recompute, maxGradNorm: training.max_grad_norm };
  const shape = {
    config: trainee.model.decoder.config,
    trainsWeights: job.method === "full",
    supervisedRowsOnly: packing.supervised_rows_only,
  };
  let done = 0;
  const prepare = (): { readonly examples: readonly EncodedExample[]; readonly work: StepWork } => {
    const batches = plan.at(done++).batches.map((batch) => batch.map(example));
    return { examples: batches.flat(), work: prepareStep(batches, settings, group) };
  };
  let next = prepare();
  return {
    setting:
      `batch ${attempt.batch}, packs of ${maxTokens}, ${describeRecompute(memory)}, ` +
      `${describeFormat(memory.format, job.method === "full")}`,
    predicted: { peakBytes: memory.peakBytes, stepSeconds: memory.secondsPerStep },
    step() {
      const { examples: all, work } = next;
      const { loss } = optimizerStep(trainee, optimizer, work, job.learningRate, settings, reduction, () => {
        next = prepare();
      });
      return () => {
        // Examples and tokens are the whole step's; what is computed is one card's.
        const ledger = new LedgerCounter(shape);
        ledger.add(all, work.packs);
        const { examples, tokens, tokensComputed: computed, flopsComputed: flops } = ledger.ledger();
        return { examples, tokens, computed, flops, loss };
      };
    },
  };
};
measureTries(job, device, begin, group);
group.share(undefined);
collective.close();
// The next part finds what was timed and chosen here.
device.close();
if (group instanceof Link) group.close();

/** The recipe that a user would write; where the rows come from plays no part here. */
function recipeOf({ batch, maxTokens }: Try): Recipe {
  const { model, method, rank, alpha, learningRate, budgetGiB } = job;
  const text = JSON.stringify({
    base: model,
    method,
    device: "cuda",
    memory_budget: budgetGiB === null ? "auto" : budgetGiB * GIB,
    ...(method !== "full" && { lora: { r: rank, lora_alpha: alpha, target_modules: "all-linear" } }),
    data: { train: "rows.jsonl" },
    template: { user: "{text}", assistant: "{label}" },
    training: {
      batch_size: batch,
      learning_rate: learningRate,
      ...(method === "full" && { optim: "adamw_8bit", zero_stage: job.zeroStage }),
    },
    packing: { max_tokens: maxTokens ?? "auto" },
  });
  // A recipe may not ask for an adapter over random weights, which learns nothing of use.
  return { ...parseRecipe(text, "bench.yaml").recipe, init: "random" };
}

function examplesOf({ workload }: Try): EncodedExample[] {
  return readRows(job, workload).map(({ ids, prompt }) => ({
    ids: Int32Array.from(ids),
    supervised: Uint8Array.from(ids, (_, i) => (i >= prompt ? 1 : 0)),
  }));
}

function traineeFor(recipe: Recipe, { format }: MemoryPlan): { trainee: Trainee; updating: Updating } {
  const wanted = JSON.stringify(format);
  if (made?.format === wanted) return made;
  made?.updating.optimizer[Symbol.dispose]();
  made?.trainee[Symbol.dispose]();
  made = undefined;
  const trainee = prepareTrainee(recipe, job.model, null, device, format);
  made = { format: wanted, trainee, updating: updatingOf(recipe, trainee, collective) };
  return made;
}
