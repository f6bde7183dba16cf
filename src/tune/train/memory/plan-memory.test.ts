/** Plans for cards that are not here, for a model of which there is nothing but its config.json. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Random } from "../../../base/random.ts";
import type { Recipe } from "../../../base/recipe/recipe.ts";
import { methodSections, recipeSchema } from "../../../base/recipe/schema.ts";
import type { EncodedExample } from "../../data/pack.ts";
import { Plan } from "../plan.ts";
import { type MemoryPlan, type PlanInput, planMemory } from "./plan-memory.ts";
import { refusalOf } from "./refusal.ts";
import { targetOfCard } from "./target.ts";

const base = mkdtempSync(join(tmpdir(), "fettle-plan-"));
after(() => rmSync(base, { recursive: true }));
writeFileSync(
  join(base, "config.json"),
  JSON.stringify({
    ...{ model_type: "qwen2", hidden_size: 1024, intermediate_size: 4096, num_hidden_layers: 12, vocab_size: 32000 },
    ...{ num_attention_heads: 8, num_key_value_heads: 2, max_position_embeddings: 4096, tie_word_embeddings: false },
    ...{ rms_norm_eps: 1e-6, rope_theta: 1e6, hidden_act: "silu", eos_token_id: 0 },
  }),
);

/** 600 tokens, of which 40 are common to all and the last 5 are learnt. */
function example(index: number): EncodedExample {
  const random = new Random(index);
  const ids = Int32Array.from({ length: 600 }, (_, i) => (i < 40 ? i : random.integer(30000)));
  return { ids, supervised: Uint8Array.from(ids, (_, i) => (i >= 595 ? 1 : 0)) };
}

function inputOf(gib: number, options: object): PlanInput {
  const parsed = recipeSchema.parse({ base, training: { batch_size: 32 }, ...options });
  const recipe: Recipe = { ...parsed, ...methodSections(parsed, parsed) };
  const plan = new Plan(640, recipe.training, recipe.seed);
  return { recipe, base, target: targetOfCard(String(gib), recipe), plan, example };
}

function planOf(gib: number, options: object = {}): MemoryPlan {
  return planMemory(inputOf(gib, options));
}

test("the less memory, the more is computed again, and the longer a step takes", () => {
  const plans = [80, 4, 3].map((gib) => planOf(gib, { packing: { max_tokens: 8192 } }));
  assert.deepEqual(plans[0]!.recompute, { cheap: false, fullLayers: 0 });
  for (const [i, plan] of plans.entries()) {
    assert.ok(plan.fits && plan.peakBytes <= plan.budget);
    const before = plans[i - 1];
    if (before === undefined) continue;
    assert.ok(plan.recompute.cheap);
    assert.ok(plan.recompute.fullLayers >= before.recompute.fullLayers);
    assert.ok(plan.secondsPerStep >= before.secondsPerStep);
  }
});

test("packs are as large as pays, and no larger than fits", () => {
  const roomy = planOf(80);
  const tight = planOf(3);
  assert.ok(roomy.maxTokens >= 8192 && tight.maxTokens < roomy.maxTokens, `${roomy.maxTokens} ${tight.maxTokens}`);
  assert.deepEqual(planOf(80), roomy);
});

test("a run that is gone on with keeps the choices that reach its numbers", () => {
  const before = { maxTokens: 2048, format: { kind: "bf16" } } as const;
  assert.equal(planMemory({ ...inputOf(80, {}), before }).maxTokens, 2048);
  const changed = planMemory({ ...inputOf(80, { method: "qlora", packing: { max_tokens: 1024 } }), before });
  assert.deepEqual([changed.maxTokens, changed.format.kind], [1024, "nf4"]);
});

test("full fine-tuning holds f32 weights where they fit, otherwise bf16 with 8-bit states", () => {
  const options = { method: "full", training: { batch_size: 32, optim: "adamw_8bit" } };
  assert.deepEqual(planOf(80, options).format, { kind: "f32" });
  const narrow = planOf(3, options);
  assert.deepEqual([narrow.format, narrow.fits], [{ kind: "bf16" }, true]);
});

test("what does not fit is refused, with what would", () => {
  const input = inputOf(3, { method: "full" });
  const plan = planMemory(input);
  assert.equal(plan.fits, false);
  const { code, message, fix } = refusalOf(input, plan);
  assert.equal(code, "train/too-large");
  assert.match(message, /needs 4\.\d GiB, a card of 3 GiB has 2\.0 GiB for it/);
  assert.match(fix!, /what would fit: training.optim: adamw_8bit \(\d\.\d GiB\), or method: lora/);
  const hopeless = inputOf(5, { method: "full", memory_budget: "200MiB" });
  assert.match(refusalOf(hopeless, planMemory(hopeless)).fix!, /take a smaller model/);
});

test("states of the optimizer lie on the host where nothing else fits, and nowhere else", () => {
  const full = { method: "full", packing: { max_tokens: 512 } };
  const roomy = planOf(24, full);
  assert.deepEqual([roomy.fits, roomy.optim, roomy.onHost], [true, "adamw", 0]);
  const [tight, eightBit] = [
    planOf(4, full),
    planOf(3, { ...full, training: { optim: "adamw_8bit" }, memory_budget: "1200MiB" }),
  ];
  assert.deepEqual([tight.fits, tight.optim], [true, "paged_adamw_32bit"]);
  assert.deepEqual([eightBit.fits, eightBit.optim], [true, "paged_adamw_8bit"]);
  // Two moments in f32, and in 8 bits.
  const parameters = tight.memory.base / 4;
  assert.ok(tight.onHost > 7.5 * parameters && tight.onHost <= 8 * parameters);
  assert.ok(tight.memory.optimizer < 0.1 * parameters);
  assert.ok(tight.secondsPerStep > roomy.secondsPerStep + tight.onHost / 20e9);
  const asked = planOf(24, { ...full, training: { optim: "paged_adamw_32bit" } });
  assert.deepEqual([asked.optim, asked.onHost], ["paged_adamw_32bit", tight.onHost]);
  assert.equal(planOf(0.2, full).optim, "adamw");
});
