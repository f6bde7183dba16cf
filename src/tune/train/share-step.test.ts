import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../base/random.ts";
import { type EncodedExample, packExamples } from "../data/pack.ts";
import { shareOfStep } from "./share-step.ts";

const random = new Random(1);

function example(...ids: number[]): EncodedExample {
  return { ids: Int32Array.from(ids), supervised: Uint8Array.from(ids, () => 1) };
}

function words(count: number): number[] {
  return Array.from({ length: count }, () => random.integer(1000));
}

function shares(
  batches: readonly (readonly EncodedExample[])[],
  size: number,
  sharePrompts = true,
): EncodedExample[][] {
  return Array.from({ length: size }, (_, rank) =>
    shareOfStep(batches, { rank, size }, { batchSize: 8, sharePrompts }).flat(),
  );
}

function computed(examples: readonly EncodedExample[]): number {
  const packs = packExamples(examples, { enabled: true, sharePrompts: true, maxTokens: 1e6 });
  return packs.reduce((sum, { tokens }) => sum + tokens.length, 0);
}

test("every example is one process's, and processes compute about as many tokens", () => {
  const beginning = words(100);
  const all = Array.from({ length: 64 }, () => example(...beginning, ...words(20 + random.integer(60))));
  const batches = [all.slice(0, 32), all.slice(32)];
  for (const size of [2, 3, 8]) {
    const own = shares(batches, size);
    assert.deepEqual(new Set(own.flat()), new Set(all));
    assert.equal(own.flat().length, all.length);
    const tokens = own.map(computed);
    assert.ok(Math.max(...tokens) <= 1.1 * Math.min(...tokens), `${size}: ${tokens}`);
  }
});

test("what has much in common stays together, unless it is more than a process's part", () => {
  const documents = Array.from({ length: 6 }, () => words(200));
  const all = documents.flatMap((document) => Array.from({ length: 5 }, () => example(...document, ...words(4))));
  const own = shares([all], 2);
  for (const document of documents) {
    const holders = own.filter((examples) => examples.some(({ ids }) => ids[0] === document[0]));
    assert.equal(holders.length, 1);
  }
  assert.equal(own[0]!.length, 15);
  const one = shares([Array.from({ length: 40 }, () => example(...documents[0]!, ...words(30)))], 2);
  assert.deepEqual(
    one.map(({ length }) => length),
    [20, 20],
  );
});

test("more processes than examples: some have none; rows of one length are dealt out evenly", () => {
  const few = [example(1, 2, 3), example(4, 5, 6)];
  assert.deepEqual(
    shares([few], 4, false).map(({ length }) => length),
    [1, 1, 0, 0],
  );
  const even = Array.from({ length: 16 }, () => example(...words(50)));
  assert.deepEqual(
    shares([even], 4).map(({ length }) => length),
    [4, 4, 4, 4],
  );
});

test("batches stay as small as they were", () => {
  const all = Array.from({ length: 32 }, () => example(...words(10)));
  const batches = [0, 8, 16, 24].map((at) => all.slice(at, at + 8));
  const own = shareOfStep(batches, { rank: 1, size: 3 }, { batchSize: 8, sharePrompts: true });
  assert.ok(own.every((batch) => batch.length <= 8));
});
