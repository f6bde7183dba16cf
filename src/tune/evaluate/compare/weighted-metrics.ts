/** Metrics of rows that count several times or not at all, as a bootstrap draws them. */
import { macroAverage } from "../averages.ts";
import { scoresOf } from "../class-scores.ts";
import { ConfusionMatrix } from "../confusion-matrix.ts";

/** The metric where row i counts `weights[i]` times; NaN where it is not defined. @param weights [rows] */
export type WeightedMetric = (weights: Float64Array) => number;

/** Mean of a value of each row: accuracy of zeros and ones, log loss of -ln p. @param values [rows] */
export function meanOf(values: Float64Array): WeightedMetric {
  return (weights) => {
    let sum = 0;
    let total = 0;
    for (let row = 0; row < values.length; row++) {
      sum += weights[row]! * values[row]!;
      total += weights[row]!;
    }
    return sum / total;
  };
}

/** Macro F1 over the classes that occur, as a true class or as an answer. @param answers [rows] each a class */
export function macroF1Of(targets: Int32Array, answers: Int32Array, classes: number): WeightedMetric {
  const matrix = new ConfusionMatrix(classes);
  return (weights) => {
    matrix.clear();
    for (let row = 0; row < targets.length; row++) {
      if (weights[row] !== 0) matrix.add(targets[row]!, answers[row]!, weights[row]!);
    }
    return macroAverage(matrix).f1;
  };
}

/** Macro F1 over all labels, with several labels a row. @param targets [rows, labels] 1 where the row has the label */
export function macroF1OfSets(targets: Uint8Array, answers: Uint8Array, labels: number): WeightedMetric {
  return (weights) => {
    let sum = 0;
    for (let label = 0; label < labels; label++) {
      let hits = 0;
      let given = 0;
      let there = 0;
      for (let row = 0; row < weights.length; row++) {
        const at = row * labels + label;
        given += weights[row]! * answers[at]!;
        there += weights[row]! * targets[at]!;
        hits += weights[row]! * answers[at]! * targets[at]!;
      }
      sum += scoresOf(hits, given, there).f1;
    }
    return sum / labels;
  };
}

/**
 * Area under the ROC curve of each label against the rest, their plain mean (scikit-learn's `multi_class="ovr"`,
 * `average="macro"`). Labels that no row has, or every row, have no curve and are left out.
 * @param targets [rows, labels] 1 where the row has the label
 * @param probabilities [rows, labels]
 */
export function rocAucOf(targets: Uint8Array, probabilities: Float64Array, labels: number): WeightedMetric {
  const rows = targets.length / labels;
  const ascending = Array.from({ length: labels }, (_, label) => {
    const order = Uint32Array.from({ length: rows }, (_, row) => row);
    return order.sort((a, b) => probabilities[a * labels + label]! - probabilities[b * labels + label]!);
  });
  return (weights) => {
    let sum = 0;
    let curves = 0;
    for (let label = 0; label < labels; label++) {
      const area = areaOf(ascending[label]!, targets, probabilities, weights, label, labels);
      if (Number.isNaN(area)) continue;
      sum += area;
      curves++;
    }
    return sum / curves;
  };
}

/** P(a row with the label scores higher than one without), ties by half (Hanley and McNeil 1982). */
function areaOf(
  ascending: Uint32Array,
  targets: Uint8Array,
  probabilities: Float64Array,
  weights: Float64Array,
  label: number,
  labels: number,
): number {
  let area = 0;
  let positives = 0;
  let negatives = 0;
  for (let i = 0; i < ascending.length; ) {
    const score = probabilities[ascending[i]! * labels + label]!;
    let tiedPositives = 0;
    let tiedNegatives = 0;
    for (; i < ascending.length; i++) {
      const row = ascending[i]!;
      const at = row * labels + label;
      if (probabilities[at] !== score) break;
      if (targets[at] === 1) tiedPositives += weights[row]!;
      else tiedNegatives += weights[row]!;
    }
    area += tiedPositives * (negatives + tiedNegatives / 2);
    positives += tiedPositives;
    negatives += tiedNegatives;
  }
  return area / (positives * negatives);
}
