/** A model's alerts with its thresholds moved to be like a tool in one respect. */
import type { AlertModel, ValidationAlerts } from "./alert-table.ts";
import { thresholdAtAlerts, thresholdAtPrecision } from "./match-threshold.ts";

/** In what it is to be like the tool. */
export type Respect = "precision" | "alerts";

export interface MovedAlerts {
  /** Of one label from which probability on it is given; of several by how much their log-odds were moved. */
  readonly threshold: number;
  /** [rows, labels] none of labels that were not asked for */
  readonly answers: Uint8Array;
}

export interface MovableAlerts extends Pick<AlertModel, "thresholds"> {
  /** [rows, labels] */
  readonly probabilities: Float64Array;
  /** [validation rows, labels] each; thresholds are chosen there where that takes what is true. */
  readonly validation?:
    | (Pick<ValidationAlerts, "targets" | "probabilities"> & { readonly tool: Uint8Array })
    | undefined;
}

export interface Judged {
  readonly labels: number;
  /** [rows, labels] */
  readonly targets: Uint8Array;
  /** [rows, labels] */
  readonly tool: Uint8Array;
}

/**
 * Moves the thresholds of some labels together, by the same log-odds each, until the model has at least the tool's precision
 * on all of them, with the highest recall there is, or raises as many alerts. Precision takes what is true, so it is matched on
 * validation rows where there are any; the number of alerts does not, and is matched on the judged rows.
 * @param of labels to move
 * @returns undefined where no threshold does it, or the tool raises no alert
 */
export function moveThresholds(
  respect: Respect,
  { probabilities, thresholds, validation }: MovableAlerts,
  { labels, targets, tool }: Judged,
  of: readonly number[],
): MovedAlerts | undefined {
  const usual = (label: number): number => logOdds(thresholds?.[label] ?? 0.5);
  const margins = (from: Float64Array): Float64Array =>
    pool(from, labels, of, (probability, label) => logOdds(probability) - usual(label));
  const own = margins(probabilities);
  const shown = (from: Uint8Array): Float64Array => pool(from, labels, of, (answer) => answer);
  const matched = (): number | undefined => {
    if (respect === "alerts") return thresholdAtAlerts(own, total(shown(tool)));
    const truth = shown(validation?.targets ?? targets);
    const given = shown(validation?.tool ?? tool);
    const hits = total(given.map((answer, i) => answer * truth[i]!));
    const scores = validation === undefined ? own : margins(validation.probabilities);
    return thresholdAtPrecision(truth, scores, { hits, alerts: total(given) });
  };
  const margin = matched();
  if (margin === undefined) return undefined;
  const answers = new Uint8Array(targets.length);
  for (const [i, value] of own.entries()) {
    if (value >= margin) answers[Math.floor(i / of.length) * labels + of[i % of.length]!] = 1;
  }
  const [first, second] = of;
  return { threshold: second === undefined ? 1 / (1 + Math.exp(-margin - usual(first!))) : margin, answers };
}

/** Values of some labels, row by row. */
function pool(
  values: Float64Array | Uint8Array,
  labels: number,
  of: readonly number[],
  change: (value: number, label: number) => number,
): Float64Array {
  const pooled = new Float64Array((values.length / labels) * of.length);
  for (let i = 0; i < pooled.length; i++) {
    const label = of[i % of.length]!;
    pooled[i] = change(values[Math.floor(i / of.length) * labels + label]!, label);
  }
  return pooled;
}

/** ln(p / (1 - p)), finite also for 0 and 1. */
function logOdds(probability: number): number {
  const p = Math.min(Math.max(probability, Number.MIN_VALUE), 1 - Number.EPSILON / 2);
  return Math.log(p) - Math.log1p(-p);
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
