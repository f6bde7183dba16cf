/** Against scikit-learn 1.9.1, SciPy 1.17.1, statsmodels 0.15.0, and every threshold tried one by one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AlertFigures, MatchedPair } from "./alert-comparison.ts";
import type { AlertTable } from "./alert-table.ts";
import { compareAlerts } from "./compare-alerts.ts";
import { type ReferenceFigures, references } from "./fixtures/references.ts";

const flat = (table: readonly (readonly number[])[]): number[] => table.flat();
const labels = [..."wxyz"];
const thresholds = Float64Array.from(references.thresholds);
const probabilities = Float64Array.from(flat(references.probabilities));
const model = {
  name: "model",
  answers: Uint8Array.from(probabilities, (p, at) => (p >= thresholds[at % 4]! ? 1 : 0)),
  probabilities,
  thresholds,
};
const table: AlertTable = {
  labels,
  targets: Uint8Array.from(flat(references.truth)),
  models: [model],
  tools: ["broad", "narrow"].map((name, t) => ({
    name,
    answers: Uint8Array.from(flat(references.tools[t]!)),
    covers: references.covers[t]!,
  })),
};
const options = { seed: 0, resamples: 100 };
const groups = references.groups.map(String);

function assertFigures(actual: AlertFigures | null, expected: ReferenceFigures | null, what: string): void {
  assert.equal(actual === null, expected === null, what);
  for (const [name, value] of Object.entries(expected ?? {})) {
    const figure = actual?.[name as keyof AlertFigures];
    const found = typeof figure === "object" ? figure.value : figure;
    const close = found === value || Math.abs(found! - value) < 1e-12;
    assert.ok(close, `${what}, ${name}: ${found} is not ${value}`);
  }
}

test("scores of every label, of all and of those a tool knows are scikit-learn's", () => {
  const { subjects, support } = compareAlerts(table, options);
  for (const [s, { name, overall, perClass }] of subjects.entries()) {
    assertFigures(overall, references.overall[s]!, name);
    for (const [c, figures] of perClass.entries()) assertFigures(figures, references.perClass[s]![c]!, `${name} ${c}`);
  }
  assertFigures(subjects[2]!.covered, references.covered, "covered");
  assert.deepEqual(
    subjects.map(({ covers, covered }) => [covers, covered === null]),
    [
      [null, true],
      [labels, true],
      [["w", "y"], false],
    ],
  );
  assert.deepEqual(
    support,
    labels.map((_, c) => references.truth.reduce((sum, row) => sum + row[c]!, 0)),
  );
});

test("unions, intersections and majorities among the tools that know a label", () => {
  const { together } = compareAlerts(table, options);
  assert.deepEqual(together.map(({ name }) => name).toSorted(), Object.keys(references.together).toSorted());
  for (const { name, overall } of together) assertFigures(overall, references.together[name]!, name);
});

test("tests of single labels are McNemar's, of several by flipped signs, where rows stand alone", () => {
  const { pairs } = compareAlerts(table, options);
  for (const [t, { overall, perClass }] of pairs.entries()) {
    for (const [c, { label, onlyModel, onlyTool, pValue, test: name }] of perClass.entries()) {
      const expected = references.tests.byClass[t]![c]!;
      assert.deepEqual([label, onlyModel, onlyTool], [labels[expected.label], expected.onlyModel, expected.onlyTool]);
      assert.ok(Math.abs(pValue - expected.pValue) < 1e-11, `${label}: ${pValue} is not ${expected.pValue}`);
      assert.match(name, /^McNemar/);
    }
    const exact = references.tests.overall[t]!;
    // 20,000 sign patterns are drawn.
    assert.ok(Math.abs(overall.pValue - exact) < 4 * Math.sqrt((exact * (1 - exact)) / 20_000));
  }
});

test("with groups all tests are of whole groups, and Holm's correction goes over all of them", () => {
  const { pairs } = compareAlerts(table, { ...options, groups });
  const tests = pairs.flatMap(({ overall, covered, perClass }) => [
    overall,
    ...(covered ? [covered] : []),
    ...perClass,
  ]);
  assert.deepEqual(new Set(tests.map(({ test: name }) => name)), new Set(["sign-flip exact"]));
  for (const [i, { pValue, adjusted }] of tests.entries()) {
    assert.ok(Math.abs(pValue - references.tests.grouped[i]!) < 1e-12, `p ${i}: ${pValue}`);
    assert.ok(Math.abs(adjusted - references.tests.adjusted[i]!) < 1e-12, `Holm ${i}: ${adjusted}`);
  }
  assert.deepEqual(
    tests.map(({ verdict }) => verdict !== "undecided"),
    references.tests.adjusted.map((p) => p < 0.05),
  );
});

function assertMatched(matched: MatchedPair | null, t: number, expected: typeof references.atAlerts): void {
  const { overall, covered, perClass } = matched!;
  const parts = [overall, ...(covered ? [covered] : []), ...perClass];
  assert.equal(parts.length, expected[t]!.length);
  for (const [i, { model: figures, tool, recall }] of parts.entries()) {
    assertFigures(figures, expected[t]![i]!, `tool ${t}, part ${i}`);
    if (figures) assert.ok(Math.abs(recall.value! - (figures.recall.value! - tool.recall.value!)) < 1e-12);
  }
}

test("thresholds at the tool's precision and number of alerts are those that trying all of them finds", () => {
  const { pairs } = compareAlerts(table, options);
  for (const [t, { atPrecision, atAlerts }] of pairs.entries()) {
    assert.deepEqual([atPrecision!.chosenOn, atAlerts!.chosenOn], ["judged rows", "alerts"]);
    assertMatched(atPrecision, t, references.atPrecision);
    assertMatched(atAlerts, t, references.atAlerts);
  }
});

test("with validation rows the precision is matched there, and the model takes its thresholds along", () => {
  const { truth, probabilities: held, tools } = references.validation;
  const validation = {
    targets: Uint8Array.from(flat(truth)),
    probabilities: Float64Array.from(flat(held)),
    tools: tools.map((answers) => Uint8Array.from(flat(answers))),
  };
  const { pairs } = compareAlerts({ ...table, models: [{ ...model, validation }] }, options);
  for (const [t, { atPrecision }] of pairs.entries()) {
    assert.equal(atPrecision!.chosenOn, "validation rows");
    assertMatched(atPrecision, t, references.atPrecisionHeld);
  }
});

for (const [title, by, expected] of [
  ["rows", undefined, references.intervals.byRows],
  ["groups", groups, references.intervals.byGroups],
] as const) {
  test(`intervals are those of a paired bootstrap over ${title}`, () => {
    const [pair] = compareAlerts(table, { seed: 0, resamples: 4000, groups: by }).pairs;
    for (const [m, name] of (["precision", "recall"] as const).entries()) {
      const { interval } = pair!.overall.differences[name];
      const [low, high] = expected[m]!;
      // Both sides are quantiles of some thousand draws: a few per cent of the interval's width.
      for (const [end, value] of [low, high].entries()) {
        assert.ok(
          Math.abs(interval![end]! - value) < 0.06 * (high - low),
          `${name}: ${interval} is not ${expected[m]}`,
        );
      }
    }
  });
}

test("a tool that never speaks has no precision, and cannot be matched; a model without probabilities has no thresholds", () => {
  const silent = { name: "silent", answers: new Uint8Array(360), covers: [true, false, false, false] };
  const { subjects, pairs } = compareAlerts({ ...table, tools: [silent] }, options);
  assert.deepEqual([subjects[1]!.overall.precision.value, subjects[1]!.overall.recall.value], [null, 0]);
  assert.deepEqual([pairs[0]!.atPrecision!.overall.model, pairs[0]!.atAlerts!.perClass[0]!.model], [null, null]);
  const { probabilities: _, ...words } = model;
  const [bare] = compareAlerts({ ...table, models: [words] }, options).pairs;
  assert.deepEqual([bare!.atPrecision, bare!.atAlerts], [null, null]);
});
