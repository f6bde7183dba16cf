import assert from "node:assert/strict";
import { test } from "node:test";
import { recipeSchema } from "../../base/recipe/schema.ts";
import { decide, probabilitiesOf } from "../score/decision.ts";
import { decisionOf } from "./answers.ts";
import type { ClassifierFile } from "./classifier-file.ts";

function fileWith(labels: readonly string[], keys: Partial<ClassifierFile>): ClassifierFile {
  return {
    version: 1,
    task_type: "CAUSAL_LM",
    problem_type: "single_label_classification",
    labels,
    thresholds: null,
    temperature: null,
    head: null,
    template: recipeSchema.parse({ base: "base" }).template,
    columns: {},
    template_sha256: null,
    ...keys,
  };
}

const given = (file: ClassifierFile | undefined, labels: readonly string[], probabilities: readonly number[]): string =>
  labels[decide(Float64Array.from(probabilities), decisionOf({ multiLabel: false, file }, labels)).predicted]!;

test("a threshold is of its label, in whatever order labels come", () => {
  const file = fileWith(["no", "yes"], { thresholds: { no: 0.8 }, positive_label: "no" });
  assert.equal(given(file, ["no", "yes"], [0.7, 0.3]), "yes");
  assert.equal(given(file, ["yes", "no"], [0.3, 0.7]), "yes");
  assert.equal(given(file, ["yes", "no"], [0.1, 0.9]), "no");
  assert.equal(given(undefined, ["no", "yes"], [0.7, 0.3]), "no");
  const other = decisionOf({ multiLabel: false, file }, ["a", "b"]);
  assert.deepEqual([other.positive, other.threshold], [1, undefined], "labels that the file does not know");
  assert.equal(decisionOf({ multiLabel: false, file }, ["no", "yes"], "yes").threshold, undefined);
});

test("the label with the least expected cost is given, in whatever order labels come", () => {
  // Missing a `bad` row costs ten times what a false alarm does.
  const costs = [
    [0, 1, 1],
    [10, 0, 1],
    [1, 1, 0],
  ];
  const file = fileWith(["good", "bad", "ugly"], { costs });
  assert.equal(given(file, ["good", "bad", "ugly"], [0.7, 0.2, 0.1]), "bad");
  assert.equal(given(file, ["ugly", "good", "bad"], [0.1, 0.7, 0.2]), "bad");
  assert.equal(given(file, ["good", "bad", "ugly"], [0.95, 0.04, 0.01]), "good");
});

test("a temperature divides logits, of one label a row and of several", () => {
  const file = fileWith(["a", "b"], { temperature: 2 });
  const [first] = probabilitiesOf([2, 0], decisionOf({ multiLabel: false, file }, ["a", "b"]));
  assert.ok(Math.abs(first! - 1 / (1 + Math.exp(-1))) < 1e-15);
  const several = probabilitiesOf([2, -4], decisionOf({ multiLabel: true, file }, ["a", "b"]));
  assert.deepEqual(
    [...several],
    [1, -2].map((logit) => 1 / (1 + Math.exp(-logit))),
  );
});
