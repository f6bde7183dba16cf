import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Random } from "../../../base/random.ts";
import { bandsFor, estimateJaccard, HASHES, LEAST_RECALL, recallOf, signatureOf } from "./minhash.ts";
import { NearIndex } from "./near-index.ts";
import { jaccard, shinglesOf } from "./shingles.ts";

const random = new Random(1, "near-index.test");
const words = (count: number): string[] => Array.from({ length: count }, () => `w${random.integer(1e9)}`);

/** Jaccard similarity of the sets of runs of three words, by the definition. */
function byDefinition(a: readonly string[], b: readonly string[]): number {
  const runs = (own: readonly string[]): Set<string> =>
    new Set(own.slice(2).map((_, i) => own.slice(i, i + 3).join(" ")));
  const [left, right] = [runs(a), runs(b)];
  const shared = [...left].filter((run) => right.has(run)).length;
  return shared / (left.size + right.size - shared);
}

/** The same words with some others in their place. */
function altered(from: readonly string[], share: number): string[] {
  return from.map((word) => (random.uniform() < share ? `w${random.integer(1e9)}` : word));
}

describe("shingles", () => {
  test("have the Jaccard similarity of the sets of runs of three words", () => {
    for (const share of [0, 0.02, 0.1, 0.5]) {
      const a = words(200);
      const b = altered(a, share);
      assert.equal(jaccard(shinglesOf(a.join(" ")), shinglesOf(b.join(", "))), byDefinition(a, b));
    }
  });

  test("do not tell marks, white space, case and spellings of accents; each Chinese character is a word", () => {
    const equal = (a: string, b: string): void => assert.deepEqual(shinglesOf(a), shinglesOf(b));
    equal("if (a_1 == b) {\n  return X;\n}", "if a_1 b return x");
    equal("Le cafe\u0301 était fermé", "LE CAFÉ ÉTAIT FERMÉ!");
    assert.equal(shinglesOf("我喜欢吃苹果").length, 4);
    assert.equal(shinglesOf("two words").length, 1);
    assert.equal(shinglesOf(" … !").length, 0);
  });
});

describe("MinHash", () => {
  test("estimates the Jaccard similarity without bias, with the variance J (1 - J) / hashes", () => {
    const [a, b] = [new Uint32Array(HASHES), new Uint32Array(HASHES)];
    let bias = 0;
    let spread = 0;
    const pairs = 400;
    for (let pair = 0; pair < pairs; pair++) {
      const size = 20 + pair;
      const shared = Math.round((size * (1 + (pair % 8))) / 10);
      const left = Uint32Array.from({ length: size }, () => random.uint32());
      const right = left.map((value, i) => (i < shared ? value : random.uint32()));
      const exact = jaccard(left.toSorted(), right.toSorted());
      signatureOf(left, a);
      signatureOf(right, b);
      const error = estimateJaccard(a, b) - exact;
      bias += error / pairs;
      spread += (error ** 2 * HASHES) / (exact * (1 - exact)) / pairs;
    }
    // Of 400 pairs the mean's deviation is at most 0.044 / 20, and that of the mean of squares sqrt(2 / 400).
    assert.ok(Math.abs(bias) < 4 * 0.0022, `bias ${bias}`);
    assert.ok(Math.abs(spread - 1) < 4 * 0.071, `spread ${spread}`);
  });

  test("bands find pairs at the threshold, and fewer of those that are less similar", () => {
    for (const threshold of [0.5, 0.7, 0.8, 0.95]) {
      const bands = bandsFor(threshold);
      assert.ok(bands.count * bands.rows <= HASHES);
      assert.ok(recallOf(bands, threshold) >= LEAST_RECALL);
      assert.ok(recallOf(bands, threshold / 2) < 0.5);
    }
  });
});

describe("an index of texts", () => {
  test("finds what is similar by the definition, and nothing else; the first of several", () => {
    const texts: string[][] = [];
    const index = new NearIndex(0.7, (id) => texts[id]!.join(" "));
    let missed = 0;
    let similar = 0;
    for (let i = 0; i < 600; i++) {
      const origin = texts[random.integer(Math.max(1, texts.length))];
      const text = origin && i % 2 === 1 ? altered(origin, random.uniform() * 0.12) : words(60);
      const expected = texts.findIndex((earlier) => byDefinition(earlier, text) >= 0.7);
      const found = index.find(index.sketch(text.join(" "))!);
      if (found) assert.equal(found.similarity, byDefinition(texts[found.id]!, text));
      if (expected >= 0) similar++;
      if ((found?.id ?? -1) !== expected) missed++;
      index.add(i, index.sketch(text.join(" "))!);
      texts.push(text);
    }
    assert.ok(similar > 100, `${similar} are similar to an earlier one`);
    assert.ok(missed <= similar * (1 - LEAST_RECALL), `${missed} of ${similar} missed`);
  });

  test("ends in time where all texts have one mould, and says that not all were compared", () => {
    const mould = words(100);
    const texts = Array.from({ length: 1200 }, () => [...mould, ...words(60)].join(" "));
    const index = new NearIndex(0.6, (id) => texts[id]!);
    texts.forEach((text, id) => {
      const sketch = index.sketch(text)!;
      assert.equal(index.find(sketch), undefined);
      index.add(id, sketch);
    });
    assert.ok(index.cutShort > 0);
  });
});
