import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../base/random.ts";
import { chooseToken, type LeadingLogits, type SamplingOptions } from "./sampling.ts";

/** Probabilities 0.5, 0.25, 0.15, 0.07 and 0.03, in another order. */
const probabilities = [0.07, 0.5, 0.03, 0.25, 0.15];
const logits = Float32Array.from(probabilities, (p) => Math.log(p) + 3);

/** With so many of them leading. */
function leading(count: number, temperature: number): LeadingLogits {
  const ids = Int32Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]!);
  const best = logits[ids[0]!]!;
  const weight = logits.reduce((sum, logit) => sum + Math.exp((logit - best) / (temperature || 1)), 0);
  return {
    ids: ids.slice(0, count),
    logits: Float32Array.from(ids.slice(0, count), (id) => logits[id]!),
    weight,
    all: () => logits,
  };
}

function frequencies(options: Partial<SamplingOptions>, known = logits.length): number[] {
  const random = new Random(7);
  const counts = new Array<number>(logits.length).fill(0);
  const draws = 20000;
  const sampling = { temperature: 1, topK: 0, topP: 1, ...options };
  const row = leading(known, sampling.temperature);
  for (let i = 0; i < draws; i++) counts[chooseToken(row, sampling, random)]!++;
  return counts.map((count) => count / draws);
}

function assertNear(actual: readonly number[], expected: readonly number[]): void {
  for (const [i, value] of actual.entries()) {
    assert.ok(expected[i] === 0 ? value === 0 : Math.abs(value - expected[i]!) < 0.02, `${actual} is not ${expected}`);
  }
}

test("temperature 0 takes the most probable token", () => {
  assertNear(frequencies({ temperature: 0 }), [0, 1, 0, 0, 0]);
});

test("temperature 1 draws by the model's probabilities", () => {
  assertNear(frequencies({}), probabilities);
});

test("temperature 1/2 squares them", () => {
  const squares = probabilities.map((p) => p * p);
  const total = squares.reduce((sum, p) => sum + p, 0);
  assertNear(
    frequencies({ temperature: 0.5 }),
    squares.map((p) => p / total),
  );
});

test("top-k keeps the k most probable", () => {
  assertNear(frequencies({ topK: 2 }), [0, 2 / 3, 0, 1 / 3, 0]);
  assertNear(frequencies({ topK: 100 }), probabilities);
});

test("top-p keeps the fewest that reach it", () => {
  assertNear(frequencies({ topP: 0.74 }), [0, 2 / 3, 0, 1 / 3, 0]);
  assertNear(frequencies({ topP: 0.76 }), [0, 0.5 / 0.9, 0, 0.25 / 0.9, 0.15 / 0.9]);
  assertNear(frequencies({ topP: 0.001 }), [0, 1, 0, 0, 0]);
});

test("top-p counts among what top-k left", () => {
  assertNear(frequencies({ topK: 2, topP: 0.66 }), [0, 1, 0, 0, 0]);
});

test("the same where only some logits are known at first", () => {
  for (const known of [1, 2, 4]) {
    assertNear(frequencies({}, known), probabilities);
    assertNear(frequencies({ topK: 3 }, known), [0, 0.5 / 0.9, 0, 0.25 / 0.9, 0.15 / 0.9]);
    assertNear(frequencies({ topP: 0.76 }, known), [0, 0.5 / 0.9, 0, 0.25 / 0.9, 0.15 / 0.9]);
    assertNear(frequencies({ topK: 2, topP: 0.66 }, known), [0, 1, 0, 0, 0]);
  }
});
