import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { packageRoot } from "../../base/package-root.ts";
import { Random } from "../../base/random.ts";
import type { Device } from "../../engine/device/device.ts";
import { openDevice } from "../../engine/open-device.ts";
import { linear } from "../../engine/ops/linear/linear.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { toFloats } from "../../engine/tensor/tensor.ts";
import { type Model, openModel } from "../../model/families/model.ts";
import { LabelScorer, labelScores } from "./label-scorer.ts";
import { buildLabelTries, type Candidate } from "./label-trie.ts";

const vocabulary = 256;
const endOfTurn = 2;

/** Labels of 1 to 3 tokens; the first begins the second, the third and fourth share a beginning. */
const labels = [[11], [11, 12], [20, 21, 22], [20, 21, 23], [30]];

/** Instructions that all examples share, then their own text. */
function example(seed: number, own: number, answers: readonly (readonly number[])[] = labels): Candidate[] {
  const random = new Random(seed);
  const prompt = [
    ...Array.from({ length: 20 }, (_, i) => 40 + i),
    ...Array.from({ length: own }, () => random.integer(vocabulary)),
  ];
  return answers.map((answer) => ({ ids: Int32Array.from([...prompt, ...answer, endOfTurn]), begin: prompt.length }));
}

/** A sequence on its own through the whole model, log-softmax in float64. */
function logProbabilityAlone({ decoder }: Model, { ids, begin }: Candidate): number {
  const sequence = {
    tokens: ids,
    positions: Int32Array.from(ids, (_, i) => i),
    expiry: new Int32Array(ids.length).fill(ids.length),
  };
  const logits = scope(() => toFloats(linear(decoder.hidden(sequence), decoder.head)));
  let total = 0;
  for (let i = begin; i < ids.length; i++) {
    const row = Float64Array.from(logits.subarray((i - 1) * vocabulary, i * vocabulary));
    total += row[ids[i]!]! - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
  }
  return total;
}

function assertClose(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`);
}

for (const name of ["reference", "cpu"] as const) {
  describe(`label scorer on ${name}`, () => {
    let device: Device;
    let model: Model;
    before(async () => {
      ({ device } = await openDevice({ device: name, precision: "f32" }));
      model = openModel(join(packageRoot, "tests/fixtures/parity/qwen3/model"), device, { format: { kind: "f32" } });
    });
    after(() => {
      model[Symbol.dispose]();
      device.close();
    });

    const examples = [example(1, 7), example(2, 12), example(3, 3), example(4, 9, labels.slice(1)), example(1, 7)];

    test("log-probabilities are those of each answer on its own", () => {
      for (const maxTokens of [4096, 60, 8]) {
        const scores = new LabelScorer(model.decoder, { maxTokens }).score(examples);
        for (const [i, candidates] of examples.entries()) {
          for (const [label, candidate] of candidates.entries()) {
            assertClose(scores[i]!.logProbabilities[label]!, logProbabilityAlone(model, candidate), 1e-5);
          }
        }
      }
    });

    test("probabilities sum to one and the mass outside is what all answers leave", () => {
      for (const { logProbabilities, probabilities, outside } of new LabelScorer(model.decoder).score(examples)) {
        assertClose(
          probabilities.reduce((sum, p) => sum + p, 0),
          1,
          1e-12,
        );
        assertClose(outside, 1 - logProbabilities.reduce((sum, log) => sum + Math.exp(log), 0), 1e-12);
      }
    });

    test("all one-token answers of a prompt leave nothing outside", () => {
      const prompt = [5, 6, 7, 8];
      const all = Array.from({ length: vocabulary }, (_, id) => ({ ids: Int32Array.from([...prompt, id]), begin: 4 }));
      const [scores] = new LabelScorer(model.decoder).score([all]);
      assert.ok(scores!.outside < 1e-5, `${scores!.outside}`);
    });

    test("another example's text changes nothing beyond rounding; on the reference, not a bit", () => {
      const scorer = new LabelScorer(model.decoder);
      const [, ...rest] = examples;
      const scores = scorer.score(examples);
      const perturbed = scorer.score([example(77, 7), ...rest]);
      assert.notDeepEqual(perturbed[0], scores[0]);
      if (name === "reference") assert.deepEqual(perturbed.slice(1), scores.slice(1));
      for (const [i, { logProbabilities }] of perturbed.slice(1).entries()) {
        for (const [label, log] of logProbabilities.entries()) {
          assertClose(log, scores[i + 1]!.logProbabilities[label]!, 1e-6);
        }
      }
    });

    test("a stream gives the same scores in the same order, and nothing is left on the device", async () => {
      const scorer = new LabelScorer(model.decoder, { maxTokens: 60 });
      const expected = scorer.score(examples);
      const { live } = device.memory();
      const streamed = [];
      for await (const { example, scores } of scorer.stream(examples.keys(), (i) => examples[i]!)) {
        assert.equal(example, streamed.length);
        streamed.push(scores);
      }
      assert.equal(streamed.length, expected.length);
      for (const [i, { logProbabilities }] of streamed.entries()) {
        for (const [label, log] of logProbabilities.entries()) {
          assertClose(log, expected[i]!.logProbabilities[label]!, 1e-5);
        }
      }
      assert.equal(device.memory().live, live);
    });
  });
}

describe("label tries", () => {
  test("prompts, shared instructions and beginnings of labels are there once", () => {
    const [trie, ...rest] = buildLabelTries([example(1, 7), example(2, 12)].flat(), 4096);
    assert.equal(rest.length, 0);
    // Instructions, own texts, and per example the inner tokens 11, 12, 20, 21, 22, 23 and 30.
    assert.equal(trie!.tokens.length, 20 + 7 + 12 + 2 * 7);
    // After the prompt 11, 20 or 30; after 11 its end or 12; 21; 22 or 23; the ends of five labels.
    assert.equal(trie!.edgeToken.length, 2 * (3 + 2 + 1 + 2 + 4));
    assert.equal(trie!.rows.length, 2 * 8);
  });

  test("a trie holds no more tokens than asked for, unless one candidate does", () => {
    const candidates = Array.from({ length: 20 }, (_, seed) => example(seed, 10)).flat();
    const tries = buildLabelTries(candidates, 100);
    assert.ok(tries.length > 1);
    for (const { tokens } of tries) assert.ok(tokens.length <= 100);
    const members = tries.flatMap(({ members }) => members).sort((a, b) => a - b);
    assert.deepEqual(members, [...candidates.keys()]);
  });
});

test("labels that are all impossible share what there is", () => {
  const { probabilities, outside } = labelScores(Float64Array.of(-1000, -1000 + Math.log(3)));
  assertClose(probabilities[1]!, 0.75, 1e-12);
  assert.equal(outside, 1);
});
