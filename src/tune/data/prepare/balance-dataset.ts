import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import type { Dataset } from "../dataset.ts";
import { type BalanceMethod, balancedRows } from "./balance.ts";
import type { Prepared } from "./duplicates.ts";
import { type LabelCounts, type PreparationStep, tellStep } from "./preparation.ts";

/** Labels shown of a step; all are in the run. */
const LABELS_SHOWN = 12;

/**
 * The set with its labels balanced: rows that are copied stand in it several times.
 * @param where the option, for errors
 * @throws UserError when rows have no labels
 */
export function balanceDataset(
  dataset: Dataset,
  method: BalanceMethod,
  seed: number,
  where: string,
  onEvent: EventSink,
): Prepared {
  const names = dataset.labels?.names;
  if (names !== undefined && dataset.length > 0 && dataset.label(0) === undefined) {
    throw new UserError({
      code: "data/balance-lists",
      message: "rows with several labels cannot be balanced",
      where,
      fix: "weigh the labels instead: loss.class_weights: balanced",
    });
  }
  if (names === undefined) {
    throw new UserError({
      code: "data/balance-labels",
      message: "the rows have no labels to balance",
      where,
      fix: "remove it, or name the label's field in data.columns",
    });
  }
  const before = Int32Array.from({ length: dataset.length }, (_, row) => dataset.label(row)!);
  const rows = balancedRows(before, names.length, method, seed);
  const labels = labelCounts(
    names,
    before,
    Array.from(rows, (row) => before[row]!),
  );
  const step: PreparationStep = {
    step: `balance, ${method}`,
    set: dataset.name,
    ...{ in: dataset.length, out: rows.length, changed: 0 },
    ...{ detail: shown(labels), examples: [], labels },
  };
  return { dataset: dataset.subset(dataset.name, rows, "rest"), steps: [tellStep(step, "info", onEvent)] };
}

/** How many rows have each label, before and after. */
export function labelCounts(
  names: readonly string[],
  before: ArrayLike<number>,
  after: ArrayLike<number>,
): LabelCounts[] {
  const counts = names.map((label) => ({ label, before: 0, after: 0 }));
  for (let row = 0; row < before.length; row++) counts[before[row]!]!.before++;
  for (let row = 0; row < after.length; row++) counts[after[row]!]!.after++;
  return counts;
}

/** `World 13 -> 20, Sports 20`, the largest changes first where there are many labels. */
export function shown(labels: readonly LabelCounts[]): string {
  const change = ({ before, after }: LabelCounts): number => Math.abs(after - before);
  const some = labels.length > LABELS_SHOWN ? labels.toSorted((a, b) => change(b) - change(a)) : labels;
  const texts = some
    .slice(0, LABELS_SHOWN)
    .map(({ label, before, after }) => `${label} ${before === after ? before : `${before} -> ${after}`}`);
  return texts.join(", ") + (labels.length > LABELS_SHOWN ? `, … (${labels.length} labels)` : "");
}
