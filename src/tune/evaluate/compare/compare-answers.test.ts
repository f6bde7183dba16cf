/** Against scikit-learn 1.9.1 and SciPy 1.17.1. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type LabelTable, type MetricName, measure } from "./answer-table.ts";
import { compareAnswers } from "./compare-answers.ts";
import { references } from "./fixtures/references.ts";

const { paired, sets } = references;
const names = ["accuracy", "macroF1", "rocAuc", "logLoss"] as const;
const argmax = (row: readonly number[]): number => row.indexOf(Math.max(...row));

const table: LabelTable = {
  kind: "label",
  labels: ["x", "y", "z"],
  targets: Int32Array.from(paired.targets),
  subjects: (["a", "b"] as const).map((name) => ({
    name,
    answers: Int32Array.from(paired[name], argmax),
    probabilities: Float64Array.from(paired[name].flat()),
  })),
};

/** A table without probabilities: one character a row. */
function tableOf(targets: string, ...answers: readonly string[]): LabelTable {
  const labels = ["x", "y"];
  const coded = (text: string): Int32Array => Int32Array.from(text, (character) => labels.indexOf(character));
  const subjects = answers.map((text, i) => ({ name: "abcd"[i]!, answers: coded(text) }));
  return { kind: "label", labels, targets: coded(targets), subjects };
}

function assertClose(actual: number | null | undefined, expected: number, tolerance: number, what: string): void {
  assert.ok(Math.abs(actual! - expected) <= tolerance, `${what}: ${actual} is not ${expected}`);
}

test("values are scikit-learn's, with rows counting several times and with tied probabilities", () => {
  const weights = Float64Array.from(paired.weights);
  const [a] = measure(table);
  for (const name of names) assertClose(a!.metrics.get(name)!(weights), paired.weighted[name], 1e-12, name);
  const { subjects } = compareAnswers(table, { resamples: 10 });
  for (const [s, { metrics }] of subjects.entries()) {
    for (const name of names) assertClose(metrics[name]!.value, paired.values[s]![name], 1e-12, name);
  }
});

for (const [title, groups, intervals] of [
  ["rows", undefined, paired.byRows],
  ["groups", { by: "author", keys: paired.groups.map(String) }, paired.byGroups],
] as const) {
  test(`intervals of differences are those of a paired bootstrap over ${title}`, () => {
    const [pair] = compareAnswers(table, { groups, resamples: 4000 }).pairs;
    for (const name of names) {
      const { value, interval } = pair!.differences[name]!;
      // Both sides are quantiles of some thousand draws: a few per cent of the interval's width.
      const width = intervals[name][1] - intervals[name][0];
      assert.ok(interval![0] < value! && value! < interval![1]);
      for (const end of [0, 1]) assertClose(interval![end], intervals[name][end]!, 0.06 * width, `${name} ${interval}`);
    }
  });
}

test("several labels a row are measured as scikit-learn does", () => {
  const flat = (values: readonly (readonly number[])[]): number[] => values.flat();
  const probabilities = Float64Array.from(flat(sets.probabilities));
  const answers = Uint8Array.from(probabilities, (p) => (p >= 0.5 ? 1 : 0));
  const targets = Uint8Array.from(flat(sets.truth));
  const subjects = [
    { name: "model", answers, probabilities },
    { name: "truth", answers: targets, probabilities: Float64Array.from(targets) },
  ];
  const comparison = compareAnswers({ kind: "labels", labels: [..."abcd"], targets, subjects });
  for (const name of names) assertClose(comparison.subjects[0]!.metrics[name]!.value, sets[name], 1e-12, name);
  assert.equal(comparison.subjects[1]!.metrics.accuracy!.value, 1);
  assert.equal(comparison.pairs[0]!.verdict, "b");
});

test("the test is McNemar's for rows, of flipped signs for groups, and both find what is plain", () => {
  const [byRow] = compareAnswers(table).pairs;
  assert.equal(byRow!.test, "McNemar chi-square");
  assert.equal(byRow!.verdict, "b");
  assert.equal(byRow!.onlyA + byRow!.onlyB + byRow!.alike, 150);
  const keys = paired.groups.map(String);
  const { groups, pairs } = compareAnswers(table, { groups: { by: "author", keys } });
  assert.deepEqual(groups, { by: "author", count: new Set(keys).size });
  assert.equal(pairs[0]!.test, "sign-flip");
});

test("p-values are corrected over all pairs", () => {
  const { pairs } = compareAnswers({
    ...table,
    subjects: [...table.subjects, { ...table.subjects[0]!, name: "again" }],
  });
  assert.deepEqual(
    pairs.map(({ a, b }) => `${a}-${b}`),
    ["a-b", "a-again", "b-again"],
  );
  assertClose(pairs[0]!.adjusted, Math.min(1, 3 * pairs[0]!.pValue), 1e-12, "Holm");
  assert.deepEqual([pairs[1]!.pValue, pairs[1]!.verdict, pairs[1]!.disagreements], [1, "undecided", 0]);
});

test("slices: each with its rows, corrected together, small ones marked", () => {
  const slicings = [
    { by: "label", names: table.labels, members: table.targets },
    {
      by: "place",
      names: ["first", "never"],
      members: Int32Array.from(table.targets, (_, row) => (row < 20 ? 0 : -1)),
    },
  ];
  const { slices, differences } = compareAnswers(table, { slicings }).pairs[0]!;
  assert.deepEqual(
    slices.map(({ by, value }) => `${by} ${value}`),
    ["label x", "label y", "label z", "place first"],
  );
  const labels = slices.filter(({ by }) => by === "label");
  const total = labels.reduce((sum, { rows, difference }) => sum + rows * difference.value!, 0);
  assertClose(total / 150, differences.accuracy!.value!, 1e-12, "slices add up to the whole");
  const place = slices.find(({ by }) => by === "place")!;
  assert.deepEqual([place.rows, place.small], [20, true]);
  for (const { pValue, adjusted } of slices) assert.ok(adjusted >= pValue);
});

test("equal answers, one row, one group: nothing is claimed", () => {
  const cases = [
    compareAnswers(tableOf("xyxyxyxy", "xyxyxyyx", "xyxyxyyx")),
    compareAnswers(tableOf("x", "x", "y")),
    compareAnswers(tableOf("xxxx", "yyyy", "xxxx"), { groups: { by: "g", keys: ["1", "1", "1", "1"] } }),
  ];
  for (const { pairs } of cases) {
    assert.equal(pairs[0]!.pValue, 1);
    assert.equal(pairs[0]!.verdict, "undecided");
  }
  assert.deepEqual(cases[0]!.pairs[0]!.differences.accuracy, { value: 0, interval: [0, 0] });
  assert.ok(cases[0]!.pairs[0]!.detectable! > 0.6);
  for (const { pairs } of cases.slice(1)) {
    assert.equal(pairs[0]!.differences.accuracy!.interval, null);
    assert.equal(pairs[0]!.detectable, null);
  }
});

test("a lead on five rows is no evidence, on six it is", () => {
  const long = "x".repeat(40);
  const wrongOn = (count: number): string => "y".repeat(count) + long.slice(count);
  assert.equal(compareAnswers(tableOf(long, wrongOn(5), long)).pairs[0]!.verdict, "undecided");
  assert.equal(compareAnswers(tableOf(long, wrongOn(6), long)).pairs[0]!.verdict, "b");
  assert.equal(compareAnswers(tableOf(long, long, wrongOn(6))).pairs[0]!.verdict, "a");
});

test("scores: their mean, by flipped signs", () => {
  const scored = (score: (row: number) => number) =>
    new Map([["score" as const, Float64Array.from({ length: 30 }, (_, row) => score(row))]]);
  const subjects = [
    { name: "a", scores: scored((row) => (row % 5) / 10) },
    { name: "b", scores: scored((row) => (row % 5) / 10 + 0.05 + (row % 2) / 10) },
  ];
  const { metrics, pairs } = compareAnswers({ kind: "score", subjects });
  assert.deepEqual(metrics, ["score"] satisfies MetricName[]);
  assertClose(pairs[0]!.differences.score!.value, 0.1, 1e-12, "mean difference");
  assert.deepEqual([pairs[0]!.test, pairs[0]!.verdict, pairs[0]!.onlyB], ["sign-flip", "b", 30]);
});

test("the same seed gives the same intervals, another seed others", () => {
  const of = (seed: number) => compareAnswers(table, { seed, resamples: 200 }).pairs[0]!.differences;
  assert.deepEqual(of(1), of(1));
  assert.notDeepEqual(of(1), of(2));
});
