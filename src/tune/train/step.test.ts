/** The arithmetic of a step: accumulation and packing change nothing, and nothing is left in memory. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../../base/package-root.ts";
import { Random } from "../../base/random.ts";
import { recipeSchema } from "../../base/recipe/schema.ts";
import { openReferenceDevice } from "../../engine/open-device.ts";
import { createOptimizer, type Optimizer } from "../../engine/optim/optimizer.ts";
import { gradientOf } from "../../engine/tensor/tape.ts";
import { toFloats } from "../../engine/tensor/tensor.ts";
import type { EncodedExample } from "../data/pack.ts";
import { accumulateGradients } from "./loss.ts";
import { prepareTrainee, type Trainee } from "./method.ts";
import type { Share } from "./share-step.ts";
import { optimizerStep, prepareStep, type StepSettings } from "./step.ts";

const base = join(packageRoot, "tests/fixtures/parity/qwen3/model");

function examples(count: number): EncodedExample[] {
  return Array.from({ length: count }, (_, seed) => {
    const random = new Random(seed);
    const ids = Int32Array.from({ length: 6 + seed }, () => random.integer(256));
    return { ids, supervised: Uint8Array.from(ids, (_, i) => (i > 2 ? 1 : 0)) };
  });
}

const settings: StepSettings = {
  seed: 1,
  packing: { enabled: true, share_prompts: true, supervised_rows_only: true },
  maxTokens: 64,
  recompute: { cheap: false, fullLayers: 0 },
  maxGradNorm: 1,
};

interface Ran {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly weights: ReadonlyMap<string, Float32Array>;
}

function optimizerOf({ trainable }: Trainee): Optimizer {
  return createOptimizer({
    kind: "adamw",
    parameters: trainable,
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 0,
    decay: () => false,
    seed: 1,
  });
}

/** Two steps of a fresh adapter on the reference device. */
function run(batches: readonly (readonly EncodedExample[])[], changed: Partial<StepSettings> = {}, dropout = 0): Ran {
  const device = openReferenceDevice();
  const recipe = recipeSchema.parse({ base, method: "lora", lora: { r: 4, lora_dropout: dropout } });
  using trainee = prepareTrainee(recipe, base, null, device);
  using optimizer = optimizerOf(trainee);
  const first = optimizerStep(trainee, optimizer, prepareStep(batches, { ...settings, ...changed }), 1e-2, {
    ...settings,
    ...changed,
  });
  const live = device.memory().live;
  const second = optimizerStep(trainee, optimizer, prepareStep(batches, { ...settings, ...changed }), 1e-2, {
    ...settings,
    ...changed,
  });
  assert.equal(device.memory().live, live, "a step left something in memory");
  return {
    losses: [first.loss, second.loss],
    norms: [first.gradNorm, second.gradNorm],
    weights: new Map([...trainee.trainable].map(([name, tensor]) => [name, toFloats(tensor)])),
  };
}

function assertClose(actual: readonly number[], expected: readonly number[]): void {
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) <= 1e-5 * Math.abs(expected[i]!), `${actual} against ${expected}`);
  });
}

test("loss and gradient norm do not depend on how a step is cut into batches and packs", () => {
  const all = examples(8);
  const whole = run([all]);
  assert.ok(whole.losses[1]! < whole.losses[0]!, "the second step's loss is lower");
  for (const batches of [[all.slice(0, 3), all.slice(3)], all.map((example) => [example])]) {
    const parts = run(batches);
    assertClose(parts.losses, whole.losses);
    assertClose(parts.norms, whole.norms);
  }
  const unpacked = run([all], { packing: { enabled: false, share_prompts: false, supervised_rows_only: false } });
  assertClose(unpacked.losses, whole.losses);
  assertClose(unpacked.norms, whole.norms);
});

test("a row that counts twice is the row twice, whatever it is cut into", () => {
  const all = examples(8);
  const counted = all.map((example, i) => (i % 3 === 0 ? { ...example, weight: 2 } : example));
  const repeated = all.flatMap((example, i) => (i % 3 === 0 ? [example, example] : [example]));
  const expected = run([repeated], { packing: { enabled: false, share_prompts: false, supervised_rows_only: true } });
  for (const batches of [[counted], [counted.slice(0, 3), counted.slice(3)]]) {
    const outcome = run(batches);
    assertClose(outcome.losses, expected.losses);
    assertClose(outcome.norms, expected.norms);
  }
});

test("what counts in the loss but not in the mean scales the loss; rows that count nothing teach nothing", () => {
  const all = examples(4);
  const [whole, halved, nothing] = [1, 0.5, 0].map((weight) => run([all.map((row) => ({ ...row, weight, share: 1 }))]));
  assertClose([halved!.losses[0]!], [whole!.losses[0]! / 2]);
  assertClose([halved!.norms[0]!], [whole!.norms[0]! / 2]);
  assert.deepEqual([nothing!.losses[0], nothing!.norms[0]], [0, 0]);
  assert.deepEqual(run([all.map((row) => ({ ...row, weight: 0 }))]).losses, [0, 0]);
});

const recomputePlans = [
  { cheap: true, fullLayers: 0 },
  { cheap: false, fullLayers: 1 },
  { cheap: true, fullLayers: 1 },
  { cheap: true, fullLayers: 99 },
];

test("the same step twice gives the same bits, dropout included; recomputation draws the same masks", () => {
  const all = examples(5);
  const once = run([all], {}, 0.2);
  assert.deepEqual(run([all], {}, 0.2), once);
  for (const recompute of recomputePlans) assert.deepEqual(run([all], { recompute }, 0.2), once);
  assert.notDeepEqual(run([all], { seed: 2 }, 0.2).losses, once.losses);
});

/** Of every parameter of the whole model, by the packs of one process. */
function gradientsOf(batches: readonly (readonly EncodedExample[])[], share: Share): Float32Array[] {
  using trainee = prepareTrainee(recipeSchema.parse({ base, method: "full" }), base, null, openReferenceDevice());
  const { packs, targets } = prepareStep(batches, settings, share);
  for (const pack of packs) {
    accumulateGradients(trainee.model.decoder, pack, 1 / targets, {
      objective: trainee.objective,
      supervisedRowsOnly: true,
      recompute: settings.recompute,
    })();
  }
  return [...trainee.trainable.values()].map((parameter) => toFloats(gradientOf(parameter)));
}

test("gradients of two and of three processes add up to those of one", () => {
  const all = examples(7);
  const batches = [all.slice(0, 4), all.slice(4)];
  const whole = gradientsOf(batches, { rank: 0, size: 1 });
  for (const size of [2, 3]) {
    const parts = Array.from({ length: size }, (_, rank) => gradientsOf(batches, { rank, size }));
    whole.forEach((gradient, p) => {
      const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      gradient.forEach((value, i) => {
        const sum = parts.reduce((total, part) => total + part[p]![i]!, 0);
        assert.ok(Math.abs(sum - value) <= 1e-5 * largest, `${size}: ${sum} against ${value}`);
      });
    });
  }
});

test("a gradient that is not finite stops the run and leaves the weights alone", () => {
  const device = openReferenceDevice();
  const recipe = recipeSchema.parse({ base, method: "full" });
  using trainee = prepareTrainee(recipe, base, null, device);
  using optimizer = optimizerOf(trainee);
  const norm = trainee.trainable.get("model.norm.weight")!;
  device.write(norm, new Uint8Array(new Float32Array(norm.length).fill(Number.NaN).buffer));
  const embedding = trainee.trainable.get("model.embed_tokens.weight")!;
  const before = toFloats(embedding);
  assert.throws(() => optimizerStep(trainee, optimizer, prepareStep([examples(2)], settings), 1e-3, settings), {
    name: "UserError",
    code: "train/diverged",
  });
  assert.deepEqual(toFloats(embedding), before);
});
