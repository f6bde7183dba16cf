import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../../../base/random.ts";
import { DuplicateFinder } from "./duplicates.ts";
import { ExampleSample } from "./example-sample.ts";
import { countLonger, describeLengths } from "./lengths.ts";
import { SharedPrefix, usualPrefix } from "./shared-prefix.ts";

describe("lengths", () => {
  // numpy.percentile([(i*i*7919) % 1009 for i in range(1, 501)], …, method="inverted_cdf")
  const sorted = Int32Array.from({ length: 500 }, (_, i) => ((i + 1) * (i + 1) * 7919) % 1009).sort();

  it("has numpy's percentiles", () => {
    const { percentiles, rows, total, mean } = describeLengths(sorted);
    assert.deepEqual(percentiles, {
      ...{ p0: 11, p5: 65, p25: 262, p50: 510, p75: 746, p90: 894, p95: 943, p99: 986, p100: 998 },
    });
    assert.deepEqual([rows, total, mean], [500, 252436, 252436 / 500]);
  });

  it("counts every row in one bin, and what is longer", () => {
    const { width, counts } = describeLengths(sorted).histogram;
    assert.equal(width, 50);
    const expected = counts.map((_, bin) => sorted.filter((n) => Math.floor(n / 50) === bin).length);
    assert.deepEqual(counts, expected);
    for (const length of [0, 510, 998, 2000]) {
      assert.equal(countLonger(sorted, length), sorted.filter((n) => n > length).length);
    }
  });

  it("one giant row takes the last bin, not the picture", () => {
    const { width, counts } = describeLengths(Int32Array.from([...sorted, 4_000_000])).histogram;
    assert.equal(width, 50);
    assert.equal(counts.at(-1), 1);
  });

  it("rows of no length", () =>
    assert.deepEqual(describeLengths(new Int32Array(3)).histogram, { width: 1, counts: [3] }));
});

describe("duplicates", () => {
  it("as comparing every row with every other finds them", () => {
    const random = new Random(3);
    const rows = Array.from({ length: 400 }, (_, i) => ({
      prompt: `question ${random.integer(150)}`,
      answer: `answer ${random.integer(2)}`,
      line: i + 1,
    }));
    const finder = new DuplicateFinder();
    for (const { prompt, answer, line } of rows) finder.add(prompt, answer, "f", line);
    const found = finder.result();
    const repeated = rows.filter((row, i) =>
      rows.slice(0, i).some((other) => other.prompt === row.prompt && other.answer === row.answer),
    );
    const conflicting = rows.filter((row) =>
      rows.some((other) => other.prompt === row.prompt && other.answer !== row.answer),
    );
    assert.equal(found.repeated, repeated.length);
    assert.equal(found.conflicting, conflicting.length);
    assert.equal(found.conflicts, new Set(conflicting.map(({ prompt }) => prompt)).size);
    for (const places of found.conflictExamples) {
      const prompts = places.map((place) => rows[Number(place.split(":")[1]) - 1]!.prompt);
      assert.equal(new Set(prompts).size, 1);
      assert.ok(places.length > 1);
    }
  });
});

describe("what rows begin with alike", () => {
  const sequences = [
    [5, 6, 7, 8],
    [5, 6, 7, 9, 9],
    [5, 6, 1],
    [5, 6, 7, 8, 2],
  ].map((ids) => Int32Array.from(ids));

  it("all of them", () => {
    const prefix = new SharedPrefix();
    for (const ids of sequences) prefix.add(ids);
    assert.deepEqual([...prefix.tokens], [5, 6]);
  });

  it("most of them", () => {
    assert.equal(usualPrefix(sequences, 1), 2);
    assert.equal(usualPrefix(sequences, 0.75), 3);
    assert.equal(usualPrefix(sequences, 0.5), 4);
  });
});

describe("a sample", () => {
  const example = (value: number, length = 1) => ({
    ids: new Int32Array(length).fill(value),
    supervised: new Uint8Array(length),
  });

  it("is all there is as long as that is little", () => {
    const sample = new ExampleSample(1);
    for (let i = 0; i < 100; i++) sample.add(example(i));
    assert.deepEqual(
      sample.examples.map(({ ids }) => ids[0]),
      [...Array(100).keys()],
    );
    assert.ok(sample.complete);
  });

  it("is even and bounded", () => {
    const sample = new ExampleSample(1);
    const rows = 40_000;
    for (let i = 0; i < rows; i++) sample.add(example(i, 512));
    const { examples } = sample;
    assert.ok(!sample.complete);
    assert.ok(examples.length * 512 <= 4 * 2 ** 20 && examples.length > 4000, String(examples.length));
    const mean = examples.reduce((sum, { ids }) => sum + ids[0]!, 0) / examples.length;
    // The standard error of the mean of uniform numbers is rows / √(12 n); five of them are as good as never passed.
    assert.ok(Math.abs(mean - rows / 2) < (5 * rows) / Math.sqrt(12 * examples.length), String(mean));
  });
});
