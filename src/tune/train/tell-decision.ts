import type { EventSink } from "../../base/events.ts";
import type { ThresholdOptions } from "../../base/recipe/recipe.ts";
import type { DecisionOptions, FittedDecision } from "../evaluate/calibration/fit-decision.ts";
import { metricNamed } from "../evaluate/metrics.ts";

const MOST_SHOWN = 10;

/** Tells what was chosen, why, and what it changed on the rows that it was chosen on. */
export function tellDecision(
  fitted: FittedDecision,
  labels: readonly string[],
  { calibration, threshold: rule }: DecisionOptions,
  data: string,
  onEvent: EventSink,
): void {
  const { decision, rows } = fitted;
  const { multiLabel, positive, threshold, thresholds, costs } = decision;
  const on = `on ${rows} ${rows === 1 ? "row" : "rows"} of ${data}`;
  if (calibration !== null) {
    const value = digits(decision.temperature);
    const reason = `log loss is least ${on}: ${changes(fitted, ["log_loss", "ece"])}`;
    onEvent({ kind: "choice", name: "temperature", value, reason });
  }
  if (rule !== null) {
    const shown = multiLabel
      ? labels.map((name, c) => `${name} ${digits(thresholds[c]!)}`)
      : [positive === undefined ? "least expected cost" : `${labels[positive]} ${digits(threshold!)}`];
    const more = shown.length > MOST_SHOWN ? ", …" : "";
    const value = shown.slice(0, MOST_SHOWN).join(", ") + more;
    const names = multiLabel ? ["micro_f1", "macro_f1"] : positive === undefined ? ["accuracy", "macro_f1"] : POSITIVE;
    const cost = fitted.cost && `cost a row ${digits(fitted.cost.before)} → ${digits(fitted.cost.after)}`;
    const changed = [...(cost ? [cost] : []), changes(fitted, names)].join(", ");
    const name = costs === undefined ? "threshold" : "labels by cost";
    onEvent({ kind: "choice", name, value, reason: `${reasonOf(rule)} ${on}: ${changed}` });
  }
  const untold = fitted.limits.length - MOST_SHOWN;
  const more = untold > 0 ? [`${untold} more labels could not have the threshold asked for`] : [];
  for (const message of [...fitted.limits.slice(0, MOST_SHOWN), ...more]) {
    onEvent({ kind: "note", level: "warning", message });
  }
}

const POSITIVE = ["f1", "precision", "recall", "accuracy"];

function reasonOf({ choose, min_precision: precision }: ThresholdOptions): string {
  if (choose === "f1") return "highest F1";
  return choose === "cost" ? "lowest cost" : `highest recall at a precision of ${precision}`;
}

function changes({ before, after }: FittedDecision, names: readonly string[]): string {
  const value = (metrics: FittedDecision["before"], name: string): string => {
    const found = metrics[name]?.value ?? null;
    return found === null ? "undefined" : digits(found);
  };
  return names.map((name) => `${metricNamed(name).title} ${value(before, name)} → ${value(after, name)}`).join(", ");
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
