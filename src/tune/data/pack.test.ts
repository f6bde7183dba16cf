import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Random } from "../../base/random.ts";
import { type EncodedExample, type Pack, packExamples } from "./pack.ts";

const sharing = { enabled: true, sharePrompts: true, maxTokens: 4096 };

/** Prompts of `prefix` shared tokens, then own ones; the last `answer` tokens are targets. */
function example(prefix: number, own: number, answer: number, seed: number): EncodedExample {
  const random = new Random(seed);
  const ids = Int32Array.from({ length: prefix + own }, (_, i) => (i < prefix ? i : 1000 + random.integer(50)));
  const supervised = Uint8Array.from(ids, (_, i) => (i >= ids.length - answer ? 1 : 0));
  return { ids, supervised };
}

/** The tokens that index `at` sees, in order: by the visibility rule alone. */
function visible(pack: Pack, at: number): number[] {
  const seen: number[] = [];
  for (let k = 0; k <= at; k++) if (at < pack.expiry[k]!) seen.push(pack.tokens[k]!);
  return seen;
}

/** What the pack teaches, as `context -> target` with multiplicity. */
function lessons(packs: readonly Pack[]): string[] {
  return packs
    .flatMap((pack) =>
      [...pack.rows].flatMap((row, i) =>
        Array<string>(pack.weights[i]!).fill(`${visible(pack, row).join(" ")} -> ${pack.targets[i]}`),
      ),
    )
    .sort();
}

function lessonsAlone(examples: readonly EncodedExample[]): string[] {
  return examples
    .flatMap(({ ids, supervised }) =>
      [...supervised].flatMap((taught, i) => (taught && i > 0 ? [`${ids.subarray(0, i).join(" ")} -> ${ids[i]}`] : [])),
    )
    .sort();
}

describe("packing", () => {
  const duplicate = example(20, 9, 3, 1);
  const sets: Record<string, EncodedExample[]> = {
    "a shared prompt": [1, 2, 3, 4, 5].map((seed) => example(40, 10 + seed, 3, seed)),
    "answers only, from the shared boundary on": [1, 2, 3].map((seed) => example(30, 4, 4, seed)),
    "all tokens": [1, 2, 3].map((seed) => example(30, 8, 38, seed)),
    "two prompts, and a shorter example that begins another": [
      example(20, 5, 2, 1),
      example(64, 5, 2, 2),
      example(64, 0, 2, 3),
      example(64, 9, 2, 4),
    ],
    "an example twice": [duplicate, duplicate, example(20, 5, 2, 2)],
    "nothing shared": [1, 2, 3].map((seed) => example(0, 12, 2, seed)),
  };
  for (const [name, examples] of Object.entries(sets)) {
    test(`teaches what the examples teach one at a time: ${name}`, () => {
      for (const sharePrompts of [true, false]) {
        for (const enabled of [true, false]) {
          for (const maxTokens of [4096, 60]) {
            const packs = packExamples(examples, { enabled, sharePrompts, maxTokens });
            assert.deepEqual(lessons(packs), lessonsAlone(examples));
            assert.equal(
              packs.reduce((sum, pack) => sum + pack.examples, 0),
              examples.length,
            );
          }
        }
      }
    });
  }

  test("a shared prompt is laid out once, at the depth it has in every example", () => {
    const examples = [1, 2, 3].map((seed) => example(40, 10, 3, seed));
    const [pack, ...rest] = packExamples(examples, sharing);
    assert.equal(rest.length, 0);
    assert.equal(pack!.tokens.length, 40 + 3 * 10);
    assert.deepEqual([...pack!.positions.slice(38, 52)], [38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 40, 41]);
    assert.equal(pack!.expiry[0], 70);
  });

  test("packs hold no more than they may, except for one long example", () => {
    const examples = [10, 20, 90, 30, 25].map((own, seed) => example(0, own, 1, seed));
    const packs = packExamples(examples, { enabled: true, sharePrompts: false, maxTokens: 60 });
    assert.deepEqual(
      packs.map(({ tokens }) => tokens.length),
      [30, 90, 55],
    );
  });
});
