import type { ScoreTable } from "../score-table.ts";

export interface FittedTemperature {
  readonly temperature: number;
  /** What stood in the way of the best one: then the temperature is a bound, or 1. */
  readonly limit: string | undefined;
}

const COLDEST = 0.05;
const HOTTEST = 20;
const MOST_STEPS = 100;

/**
 * Temperature scaling (Guo et al. 2017, section 4.2): the T for which log loss of logits / T is least, over one label a row
 * with the softmax, over several with each label's sigmoid. Log loss is convex in 1/T, so its derivative there is followed to
 * zero, by Newton's method inside a shrinking bracket. The same rows give the same T.
 *
 * Where every row is answered rightly, sharper is always better and T would run to 0: it stays 1. Otherwise T lies between
 * 0.05 and 20.
 * @param logits what the model says about labels, not probabilities
 */
export function fitTemperature(logits: ScoreTable): FittedTemperature {
  if (logits.rows === 0) return { temperature: 1, limit: "there are no rows" };
  if (isSeparated(logits)) return { temperature: 1, limit: "every answer is right, so that nothing bounds it" };
  let [low, high] = [1 / HOTTEST, 1 / COLDEST];
  if (slopes(logits, low).first >= 0) {
    return { temperature: HOTTEST, limit: "the highest taken: these answers are no better than chance" };
  }
  if (slopes(logits, high).first <= 0) return { temperature: COLDEST, limit: "the lowest taken" };
  let inverse = 1;
  for (let step = 0; step < MOST_STEPS; step++) {
    const { first, second } = slopes(logits, inverse);
    if (first === 0) break;
    if (first > 0) high = inverse;
    else low = inverse;
    const newton = inverse - first / second;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    const moved = Math.abs(next - inverse);
    inverse = next;
    if (moved <= 1e-12 * inverse) break;
  }
  return { temperature: 1 / inverse, limit: undefined };
}

interface Slopes {
  /** Derivative of the summed log loss by 1/T, and the second one. */
  readonly first: number;
  readonly second: number;
}

function slopes(logits: ScoreTable, inverse: number): Slopes {
  return logits.multiLabel ? sigmoidSlopes(logits, inverse) : softmaxSlopes(logits, inverse);
}

/** Σ (E_p[z] - z_true) and Σ Var_p[z], p the softmax of z / T. */
function softmaxSlopes(logits: ScoreTable, inverse: number): Slopes {
  const { rows, labels } = logits;
  let [first, second] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const most = logits.score(row, logits.best(row));
    let [total, mean, square] = [0, 0, 0];
    for (let c = 0; c < labels; c++) {
      const z = logits.score(row, c) - most;
      const weight = Math.exp(inverse * z);
      // An impossible answer weighs nothing, however low it lies.
      if (weight === 0) continue;
      total += weight;
      mean += weight * z;
      square += weight * z * z;
    }
    mean /= total;
    first += mean - (logits.score(row, logits.target(row)) - most);
    second += square / total - mean * mean;
  }
  return { first, second };
}

/** Σ (σ(z / T) - y) z and Σ σ (1 - σ) z². */
function sigmoidSlopes(logits: ScoreTable, inverse: number): Slopes {
  const { rows, labels } = logits;
  let [first, second] = [0, 0];
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < labels; c++) {
      const z = logits.score(row, c);
      const p = 1 / (1 + Math.exp(-inverse * z));
      first += (p - (logits.isTrue(row, c) ? 1 : 0)) * z;
      second += p * (1 - p) * z * z;
    }
  }
  return { first, second };
}

/** Whether the highest logit is always a true label's, or every logit's sign is right: sharper is never worse. */
function isSeparated(logits: ScoreTable): boolean {
  for (let row = 0; row < logits.rows; row++) {
    if (!logits.multiLabel) {
      const best = logits.score(row, logits.best(row));
      if (logits.score(row, logits.target(row)) < best) return false;
      continue;
    }
    for (let c = 0; c < logits.labels; c++) {
      const z = logits.score(row, c);
      if (logits.isTrue(row, c) ? z < 0 : z > 0) return false;
    }
  }
  return true;
}
