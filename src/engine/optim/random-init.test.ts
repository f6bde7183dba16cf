import assert from "node:assert/strict";
import { test } from "node:test";
import { randomInit } from "./random-init.ts";

const options = { seed: 3, range: 0.02 };

test("matrices are normal with the standard deviation asked for", () => {
  const values = randomInit("model.embed_tokens.weight", [200, 100], options);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const within = values.filter((value) => Math.abs(value) < 0.02).length / values.length;
  // Four standard errors of each estimate for 20,000 draws.
  assert.ok(Math.abs(mean) < (4 * 0.02) / Math.sqrt(20_000));
  assert.ok(Math.abs(Math.sqrt(variance) / 0.02 - 1) < 4 / Math.sqrt(40_000));
  assert.ok(Math.abs(within - 0.6827) < 4 * Math.sqrt((0.6827 * 0.3173) / 20_000));
});

test("norms begin at 1, biases at 0", () => {
  assert.deepEqual([...randomInit("model.norm.weight", [3], options)], [1, 1, 1]);
  assert.deepEqual([...randomInit("model.layers.0.self_attn.q_proj.bias", [2], options)], [0, 0]);
});

test("norms that are stored as their distance from 1 begin at 0", () => {
  const gemma = { ...options, normWeight: 0 as const };
  assert.deepEqual([...randomInit("model.norm.weight", [2], gemma)], [0, 0]);
});

test("some matrices have a deviation of their own", () => {
  const gpt = { ...options, ranges: { "c_proj.weight": 0.01 } };
  const [same, halved] = ["h.0.c_fc.weight", "h.0.mlp.c_proj.weight"].map((name) => randomInit(name, [3, 3], gpt));
  assert.deepEqual(same, randomInit("h.0.c_fc.weight", [3, 3], options));
  assert.deepEqual(
    halved,
    randomInit("h.0.mlp.c_proj.weight", [3, 3], options).map((value) => value / 2),
  );
});

test("values depend on seed and name alone", () => {
  const values = randomInit("a.weight", [4, 4], options);
  assert.deepEqual(randomInit("a.weight", [4, 4], options), values);
  assert.notDeepEqual(randomInit("b.weight", [4, 4], options), values);
  assert.notDeepEqual(randomInit("a.weight", [4, 4], { ...options, seed: 4 }), values);
});
