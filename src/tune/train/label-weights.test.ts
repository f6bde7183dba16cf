import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UserError } from "../../base/errors.ts";
import { parseRecipe } from "../../base/recipe/load.ts";
import type { Row } from "../data/example.ts";
import { Labels } from "../data/labels.ts";
import { datasetOf } from "../data/load-dataset.ts";
import { Problems } from "../data/problems.ts";
import type { Shape } from "../data/shape.ts";
import { RowStore } from "../data/store/row-store.ts";
import { taskOf } from "../data/task.ts";
import { type LabelWeights, labelWeightsOf, weigher } from "./label-weights.ts";

const names = ["a", "b", "c"];
const template = { parts: [""], fields: [], unknown: [] };

interface Setting {
  readonly recipe: string;
  /** Labels of the rows, by index: one each, or a list. */
  readonly rows: readonly (number | readonly number[])[];
  readonly names?: readonly string[];
}

function weightsOf({ recipe: text, rows, names: own = names }: Setting): {
  readonly weights: LabelWeights | undefined;
  /** `weight` and `share` of each of the set's rows, which are questions where each label is one. */
  readonly counts: readonly (readonly [number, number])[];
} {
  const loaded = parseRecipe(`base: m\ndata: {train: t}\n${text}`, "r.yaml");
  const task = taskOf(loaded.recipe);
  const shape: Shape = { kind: "text", text: template, labelField: "label", reason: "", forHead: task.classHead };
  const read = rows.map((label, line): Row => {
    const row = { file: "t", line, values: {} };
    return typeof label === "number" ? { ...row, label } : { ...row, label: undefined, labels: label };
  });
  const dataset = datasetOf("train", shape, Labels.declared(own), RowStore.of(read), new Problems(), task);
  const weights = labelWeightsOf(loaded, dataset);
  const weigh = weigher(weights, dataset);
  const counts = Array.from(dataset.rows(), (row): [number, number] => {
    const { weight = 1, share = weight } = weigh({ ...row, weight: 2 });
    return [weight, share];
  });
  return { weights, counts };
}

const rows = [0, 0, 0, 0, 0, 1, 1, 1, 2];

describe("weights of labels", () => {
  test("balanced is scikit-learn's compute_class_weight", () => {
    const { weights } = weightsOf({ recipe: "loss: {class_weights: balanced}", rows });
    assert.deepEqual([...weights!.classWeights], [...Float32Array.of(0.6, 1, 3)]);
  });

  test("balanced sets of labels weigh a label that is there by the rows without it", () => {
    const recipe = "task_type: SEQ_CLS\nproblem_type: multi_label_classification\nloss: {class_weights: balanced}";
    const { weights } = weightsOf({ recipe, rows: [[0, 1], [0], [0], [1, 2]] });
    assert.deepEqual([...weights!.positive], [...Float32Array.of(1 / 3, 1, 3)]);
    assert.deepEqual([...weights!.negative], [1, 1, 1]);
  });

  test("in the model's own words a class weight counts in the loss and in the mean, alpha in the loss alone", () => {
    const weighted = weightsOf({ recipe: "loss: {class_weights: {b: 3}}", rows: [0, 1] });
    assert.deepEqual(weighted.counts, [
      [2, 2],
      [6, 6],
    ]);
    const focal = weightsOf({ recipe: "loss: {focal: {alpha: 0.25}}", rows: [0, 1], names: ["a", "b"] });
    assert.deepEqual(focal.counts, [
      [1.5, 2],
      [0.5, 2],
    ]);
  });

  test("a class head's kernel has the class weights: rows bring their share in the mean", () => {
    const { counts } = weightsOf({ recipe: "task_type: SEQ_CLS\nloss: {class_weights: {b: 3}}", rows: [0, 1] });
    assert.deepEqual(counts, [
      [2, 2],
      [2, 6],
    ]);
  });

  test("questions about labels are weighed as the head's labels are", () => {
    const recipe =
      'problem_type: multi_label_classification\ntemplate: {user: "{label}?"}\n' +
      "loss: {focal: {alpha: {a: 0.25, b: 0.5, c: 1}}}";
    const { counts } = weightsOf({ recipe, rows: [[0]] });
    assert.deepEqual(counts, [
      [0.5, 2],
      [1, 2],
      [0, 2],
    ]);
  });
});

describe("mistakes about labels come with their line and the nearest name", () => {
  const cases: readonly (readonly [string, string, Setting])[] = [
    [
      "an unknown class weight",
      'r.yaml:3:32 · did you mean "Sports"?',
      {
        recipe: "loss: {class_weights: {Sprots: 2}}",
        rows: [0, 1],
        names: ["Sports", "World"],
      },
    ],
    [
      "an unknown alpha",
      'r.yaml:3:30 · did you mean "World"?',
      {
        recipe: "loss: {focal: {alpha: {Wrld: 1, Sports: 1}}}",
        rows: [0, 1],
        names: ["Sports", "World"],
      },
    ],
    [
      "an alpha that is missing",
      'no alpha for the label "b" · r.yaml:3:23',
      {
        recipe: "loss: {focal: {alpha: {a: 1, c: 1}}}",
        rows,
      },
    ],
    [
      "one alpha for three labels",
      "one alpha is for two labels, and there are 3 · r.yaml:3:23",
      {
        recipe: "loss: {focal: {alpha: 0.25}}",
        rows,
      },
    ],
    [
      "balanced without rows",
      'none has "c" · r.yaml:3:23',
      {
        recipe: "loss: {class_weights: balanced}",
        rows: [0, 1],
      },
    ],
  ];
  for (const [name, expected, setting] of cases) {
    test(name, () => {
      assert.throws(
        () => weightsOf(setting),
        (error) => {
          assert.ok(error instanceof UserError);
          assert.ok(error.describe().includes(expected), error.describe());
          return true;
        },
      );
    });
  }
});
