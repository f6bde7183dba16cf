/** Every family by the other ways through it: token by token over a cache, chosen rows alone, labels in a trie. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { floats, readInputs } from "../../scripts/parity/models.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { PAGE_SIZE, PagedCache } from "../../src/engine/nn/paged-cache.ts";
import type { Sequence } from "../../src/engine/nn/sequence.ts";
import { openDevice } from "../../src/engine/open-device.ts";
import { scope } from "../../src/engine/tensor/scope.ts";
import { type Model, openModel } from "../../src/model/families/model.ts";
import { openSafetensors } from "../../src/model/files/safetensors.ts";
import { LabelScorer } from "../../src/tune/score/label-scorer.ts";

const root = join(packageRoot, "tests/fixtures/parity");
const { device } = await openDevice({ device: "cpu", precision: "f32" });

/** Tokens one after the other, from a position on. */
function path(tokens: Int32Array, position = 0): Sequence {
  return {
    tokens,
    positions: Int32Array.from(tokens, (_, i) => position + i),
    expiry: new Int32Array(tokens.length).fill(tokens.length),
  };
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const allowed = 1e-4 * (1 + Math.abs(expected[i]!));
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= allowed, `${i}: ${actual[i]} is not ${expected[i]}`);
  }
}

/** Of each token after the first, log-softmax in float64. */
function logProbability(logits: Float32Array, ids: Int32Array, vocabulary: number): number {
  let sum = 0;
  for (let i = 1; i < ids.length; i++) {
    const row = Float64Array.from(logits.subarray((i - 1) * vocabulary, i * vocabulary));
    sum += row[ids[i]!]! - Math.log(row.reduce((total, logit) => total + Math.exp(logit), 0));
  }
  return sum;
}

/** Logits after 3 tokens, and after each further one, over pages that are not in order. */
function tokenByToken({ decoder }: Model, ids: Int32Array): Float32Array[] {
  const { layers, kvHeads, headDim } = decoder.config;
  const pages = Int32Array.from({ length: Math.ceil(ids.length / PAGE_SIZE) }, (_, i) => i).reverse();
  using cache = new PagedCache(device, layers, pages.length, kvHeads * headDim);
  return Array.from({ length: ids.length - 2 }, (_, step) => {
    const begin = step === 0 ? 0 : step + 2;
    const tokens = ids.subarray(begin, step + 3);
    const { positions } = path(tokens, begin);
    const places = positions.map((at) => pages[Math.floor(at / PAGE_SIZE)]! * PAGE_SIZE + (at % PAGE_SIZE));
    const members = new Int32Array(tokens.length);
    const rows = Int32Array.of(tokens.length - 1);
    const sequence = { tokens, positions, places, members, pages, pagesEach: pages.length, rows };
    return scope(() => decoder.logits(decoder.continued(sequence, cache)));
  });
}

describe("the same logits by every way", () => {
  after(() => device.close());
  for (const family of readdirSync(root).filter((name) => existsSync(join(root, name, "model")))) {
    test(family, () => {
      using expected = openSafetensors(join(root, family, "expected.safetensors"));
      const ids = readInputs(expected)[1]!;
      const logits = floats(expected, "full.logits.1");
      using model = openModel(join(root, family, "model"), device, { format: { kind: "f32" } });
      const { decoder } = model;
      const { vocabSize } = decoder.config;
      const row = (i: number): Float32Array => logits.subarray(i * vocabSize, (i + 1) * vocabSize);

      for (const [step, actual] of tokenByToken(model, ids).entries()) assertClose(actual, row(step + 2));

      const rows = Int32Array.of(0, 5, ids.length - 1);
      const some = scope(() => decoder.logits(decoder.hidden(path(ids), { rows })));
      assertClose(
        some,
        Array.from(rows).flatMap((i) => [...row(i)]),
      );

      const [scores] = new LabelScorer(decoder).score([[{ ids, begin: 1 }]]);
      assertClose(scores!.logProbabilities, [logProbability(logits, ids, vocabSize)]);
    });
  }

  test("a text beyond learned positions is refused", () => {
    using model = openModel(join(root, "gpt_bigcode_heads/model"), device, { format: { kind: "f32" } });
    const { decoder } = model;
    const text = (length: number): Sequence => path(new Int32Array(length).fill(3));
    scope(() => decoder.hidden(text(64)));
    assert.throws(() => scope(() => decoder.hidden(text(65))), { code: "model/too-long" });
  });
});
