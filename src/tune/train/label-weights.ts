/** What the rows of each label count in the loss, as a recipe says. */
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { LossOptions } from "../../base/recipe/recipe.ts";
import type { OptionPath } from "../../base/recipe/source.ts";
import type { Dataset } from "../data/dataset.ts";
import type { RowWeight } from "../data/encode.ts";
import type { RowMarks } from "../data/example.ts";
import { YES } from "../data/questions.ts";

/** All [labels]. With one label a row, `positive` and `negative` are not used. */
export interface LabelWeights {
  /** `loss.class_weights`: of a row's loss, and of its share in the mean. */
  readonly classWeights: Float32Array;
  /** `loss.focal.alpha`: of a row's loss alone. */
  readonly alpha: Float32Array;
  /** With several labels a row: of a label that is there, and one that is not. */
  readonly positive: Float32Array;
  readonly negative: Float32Array;
}

/**
 * @param dataset the training set, whose labels `balanced` counts
 * @throws UserError for a label that is not there, and for weights where there are no labels
 */
export function labelWeightsOf({ recipe, where }: LoadedRecipe, dataset: Dataset): LabelWeights | undefined {
  const { loss, problem_type } = recipe;
  const multiLabel = problem_type === "multi_label_classification";
  const names = (dataset.asked ?? dataset.labels)?.names;
  const given = loss.class_weights !== null ? "class_weights" : loss.focal?.alpha != null ? "focal.alpha" : undefined;
  if (names === undefined) {
    if (given === undefined) return undefined;
    throw new UserError({
      code: "train/no-labels",
      message: `loss.${given} is about labels, and the rows have none`,
      where: where(["loss", ...given.split(".")]),
      fix: "remove it, or name the label's field in data.columns",
    });
  }
  const classWeights =
    loss.class_weights === "balanced"
      ? balanced(dataset, names, multiLabel, where(["loss", "class_weights"]))
      : byName(loss.class_weights ?? {}, names, 1, ["loss", "class_weights"], where);
  const alpha = alphaOf(loss, names, multiLabel, where);
  return {
    classWeights,
    alpha: multiLabel ? new Float32Array(names.length).fill(1) : alpha.yes,
    positive: classWeights.map((weight, c) => weight * alpha.yes[c]!),
    negative: alpha.no,
  };
}

/** scikit-learn's n / (k · count); with several labels a row, PyTorch's pos_weight: rows without over rows with the label. */
function balanced(dataset: Dataset, names: readonly string[], multiLabel: boolean, where: string): Float32Array {
  const counts = new Float64Array(names.length);
  for (let i = 0; i < dataset.length; i++) {
    const { label, labels, asked } = dataset.marks(i);
    if (asked !== undefined) counts[asked]! += label === YES ? 1 : 0;
    else for (const own of labels ?? [label!]) counts[own]!++;
  }
  const rows = dataset.length / dataset.together;
  const empty = names.find((_, c) => counts[c] === 0);
  if (empty !== undefined) {
    throw new UserError({
      code: "train/no-rows-of-label",
      message: `balanced weights need rows of every label, and none has ${JSON.stringify(empty)}`,
      where,
      fix: "give the weights by label, or leave the label out of data.labels",
    });
  }
  return Float32Array.from(counts, (count) => (multiLabel ? (rows - count) / count : rows / (names.length * count)));
}

function alphaOf(
  { focal }: LossOptions,
  names: readonly string[],
  multiLabel: boolean,
  where: LoadedRecipe["where"],
): { yes: Float32Array; no: Float32Array } {
  const path = ["loss", "focal", "alpha"];
  const alpha = focal?.alpha ?? null;
  const ones = new Float32Array(names.length).fill(1);
  if (alpha === null) return { yes: ones, no: ones };
  if (typeof alpha === "number") {
    if (multiLabel) return { yes: ones.map(() => alpha), no: ones.map(() => 1 - alpha) };
    if (names.length === 2) return { yes: Float32Array.of(1 - alpha, alpha), no: ones };
    throw new UserError({
      code: "train/one-alpha",
      message: `one alpha is for two labels, and there are ${names.length}`,
      where: where(path),
      fix: `give one for each label: alpha: {${names.slice(0, 3).join(": …, ")}: …}`,
    });
  }
  const missing = names.find((name) => !Object.hasOwn(alpha, name));
  const yes = byName(alpha, names, 1, path, where);
  const tooLarge = multiLabel ? names.find((_, c) => yes[c]! > 1) : undefined;
  if (missing === undefined && tooLarge === undefined) return { yes, no: multiLabel ? yes.map((a) => 1 - a) : ones };
  throw new UserError({
    code: "train/alpha",
    message:
      missing === undefined
        ? `alpha of ${JSON.stringify(tooLarge)} is above 1, and where it is not, 1 - alpha counts`
        : `there is no alpha for the label ${JSON.stringify(missing)}`,
    where: where(path),
    fix: "give every label a number from 0 to 1",
  });
}

function byName(
  numbers: Readonly<Record<string, number>>,
  names: readonly string[],
  otherwise: number,
  path: OptionPath,
  where: LoadedRecipe["where"],
): Float32Array {
  const unknown = Object.keys(numbers).find((name) => !names.includes(name));
  if (unknown === undefined) return Float32Array.from(names, (name) => numbers[name] ?? otherwise);
  throw new UserError({
    code: "train/unknown-label",
    message: `${path.join(".")} names ${JSON.stringify(unknown)}, which is no label`,
    where: where([...path, unknown]),
    fix: suggestName(unknown, names),
  });
}

/** What the targets of a row count; see docs/guide/class-heads-and-losses.md. */
export function weigher(weights: LabelWeights | undefined, { shape, asked }: Dataset): (marks: RowMarks) => RowWeight {
  return ({ weight: own = 1, ...row }) => {
    if (weights === undefined || (row.label === undefined && row.asked === undefined)) return weightAndShare(own, own);
    if (asked !== undefined) {
      const factors = row.label === YES ? weights.positive : weights.negative;
      return weightAndShare(own * factors[row.asked!]!, own);
    }
    const share = own * weights.classWeights[row.label!]!;
    const alpha = weights.alpha[row.label!]!;
    // A class head's kernel knows the class weights itself: label smoothing needs those of all labels.
    return weightAndShare((shape.forHead ? own : share) * alpha, share);
  };
}

function weightAndShare(weight: number, share: number): RowWeight {
  return weight === 1 && share === 1 ? {} : { weight, share };
}
