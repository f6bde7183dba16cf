/** A rehearsal is the step: what it counts is what the step takes, to the byte. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { Random } from "../../src/base/random.ts";
import type { Recipe } from "../../src/base/recipe/recipe.ts";
import { methodSections, recipeSchema } from "../../src/base/recipe/schema.ts";
import type { Device } from "../../src/engine/device/device.ts";
import { openDevice, openReferenceDevice } from "../../src/engine/open-device.ts";
import type { WeightFormat } from "../../src/model/families/parameters.ts";
import { type EncodedExample, packExamples } from "../../src/tune/data/pack.ts";
import { sumOf } from "../../src/tune/train/memory/foresee.ts";
import { Rehearsal } from "../../src/tune/train/memory/rehearsal.ts";
import { targetOf } from "../../src/tune/train/memory/target.ts";
import { weightFormats } from "../../src/tune/train/memory/weight-formats.ts";
import { prepareTrainee } from "../../src/tune/train/method.ts";
import { optimizerOf } from "../../src/tune/train/optimizer-of.ts";
import type { LearnedLabels } from "../../src/tune/train/run-data.ts";
import { optimizerStep, prepareStep, type StepSettings } from "../../src/tune/train/step.ts";
import { cudaSkip, openCudaForTests } from "../helpers/cuda.ts";

const fixture = (path: string): string => join(packageRoot, "tests/fixtures/parity", path);

/** Examples with a beginning in common, and some targets at the end. */
function examples(count: number, shared: number, own: number, targets: number): EncodedExample[] {
  const prompt = new Random(0);
  const beginning = Array.from({ length: shared }, () => prompt.integer(64));
  return Array.from({ length: count }, (_, seed) => {
    const random = new Random(seed + 1);
    const ids = Int32Array.from([...beginning, ...Array.from({ length: own + seed }, () => random.integer(64))]);
    return { ids, supervised: Uint8Array.from(ids, (_id, i) => (i >= ids.length - targets ? 1 : 0)) };
  });
}

const sets: Readonly<Record<string, readonly EncodedExample[]>> = {
  plain: examples(5, 0, 40, 40),
  shared: examples(9, 60, 10, 3),
};

const cpu = (await openDevice({ device: "cpu" })).device;

const devices: readonly { readonly name: string; readonly skip: string | false; readonly open: () => Device }[] = [
  { name: "reference", skip: false, open: () => openReferenceDevice() },
  { name: "cpu", skip: false, open: () => cpu },
  { name: "cuda", skip: cudaSkip, open: () => openCudaForTests({ precision: "bf16" }) },
];

const plans = [
  { cheap: false, fullLayers: 0 },
  { cheap: true, fullLayers: 0 },
  { cheap: true, fullLayers: 1 },
  { cheap: true, fullLayers: 99 },
];

function recipeOf(options: object): Recipe {
  const recipe = recipeSchema.parse({ base: fixture("qwen3/model"), ...options });
  return { ...recipe, ...methodSections(recipe, recipe) };
}

const recipes: Readonly<Record<string, Recipe>> = {
  full: recipeOf({ method: "full" }),
  "full, 8-bit states": recipeOf({ method: "full", training: { optim: "adamw_8bit" } }),
  lora: recipeOf({ method: "lora" }),
  "lora with dropout": recipeOf({ method: "lora", lora: { lora_dropout: 0.1 } }),
  qlora: recipeOf({ method: "qlora" }),
  "lora with a class head": recipeOf({ task_type: "SEQ_CLS", head: { dense: [24, 16], dropout: 0.1 } }),
  "full with a class head, several labels a row": recipeOf({
    method: "full",
    task_type: "SEQ_CLS",
    problem_type: "multi_label_classification",
  }),
  "full, an encoder": recipeOf({ method: "full", base: fixture("bert/classifier"), task_type: "SEQ_CLS" }),
  "lora, the mean of an encoder's tokens": recipeOf({
    base: fixture("modernbert_switches/classifier"),
    task_type: "SEQ_CLS",
    head: { dropout: 0.1 },
  }),
};

const ones = new Float32Array(5).fill(1);
const labels: LearnedLabels = {
  names: ["a", "b", "c", "d", "e"],
  weights: { classWeights: ones, alpha: ones, positive: ones, negative: ones },
};

for (const { name, skip, open } of devices) {
  describe(`a step takes what its rehearsal took, ${name}`, { skip }, () => {
    const device = open();
    after(() => device.close());
    for (const [method, recipe] of Object.entries(recipes)) {
      // The same tensors as on the CPU, in ten times the time.
      if (name === "reference" && method.includes("encoder")) continue;
      for (const format of weightFormats(recipe, device)) {
        test(`${method}, ${JSON.stringify(format)}`, () => assertForeseen(device, recipe, format!));
      }
    }
  });
}

function assertForeseen(device: Device, recipe: Recipe, format: WeightFormat): void {
  const { base } = recipe;
  using rehearsal = new Rehearsal(recipe, base, format, targetOf(device, recipe), labels);
  using trainee = prepareTrainee(recipe, base, null, device, format, labels);
  using optimizer = optimizerOf(recipe, trainee);
  const pooling = trainee.model.classHead?.parts.pooling;
  // The emulator takes its time.
  const slow = device.name === "cuda";
  for (const [name, set] of Object.entries(sets).slice(slow ? 1 : 0)) {
    const all = recipe.head ? set.map((example, i) => ({ ...example, labels: [i % 3] })) : set;
    const layout = { enabled: true, sharePrompts: name === "shared", maxTokens: 512, pooling };
    const packing = { enabled: true, share_prompts: layout.sharePrompts, supervised_rows_only: true };
    const [pack] = packExamples(all, layout);
    for (const recompute of slow ? plans.slice(2, 3) : plans) {
      const settings: StepSettings = { seed: 1, packing, maxTokens: 512, pooling, recompute, maxGradNorm: 1 };
      optimizerStep(trainee, optimizer, prepareStep([all], settings), 1e-3, settings);
      device.resetPeak();
      optimizerStep(trainee, optimizer, prepareStep([all], settings), 1e-3, settings);
      const foreseen = sumOf({ ...rehearsal.fixed, ...rehearsal.pass(pack!, recompute).memory });
      assert.equal(foreseen, device.memory().peak, `${name}, ${JSON.stringify(recompute)}`);
    }
  }
}
