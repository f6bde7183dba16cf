/** Rows of a set that say the same as an earlier one: word for word, with another label, or nearly. */
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import type { PrepareOptions } from "../../../base/recipe/recipe.ts";
import type { Dataset } from "../dataset.ts";
import { eachUnit } from "./each-unit.ts";
import { ExactIndex } from "./exact-index.ts";
import { FoundRows } from "./found-rows.ts";
import { NearIndex } from "./near-index.ts";
import { besides, type PreparationStep, tellStep } from "./preparation.ts";
import { TextUnits } from "./text-units.ts";

export type DuplicateOptions = Pick<
  PrepareOptions,
  "exact_duplicates" | "conflicting_labels" | "near_duplicates" | "near_threshold"
>;

/** A set after some steps. */
export interface Prepared {
  readonly dataset: Dataset;
  readonly steps: readonly PreparationStep[];
}

/**
 * The set without the copies that are not wanted; of equal or similar rows the first is kept.
 * @throws UserError when equal texts have different labels and that is refused, or no row is left
 */
export async function removeDuplicates(
  dataset: Dataset,
  options: DuplicateOptions,
  onEvent: EventSink,
): Promise<Prepared> {
  const { exact_duplicates: exact, conflicting_labels: conflicting, near_duplicates: near } = options;
  const threshold = options.near_threshold;
  const steps: PreparationStep[] = [];
  let units = new TextUnits(dataset);
  const take = (found: FoundRows, action: "report" | "drop", step: string, detail: string): void => {
    const out = action === "drop" ? found.total - found.count : found.total;
    const { total, examples } = found;
    const told = { step, set: dataset.name, in: total, out, changed: 0, detail, examples };
    steps.push(found.count === 0 ? told : tellStep(told, action === "drop" ? "info" : "warning", onEvent));
    if (out === 0) throw nothingLeft(step, dataset.name);
    if (out < total) units = new TextUnits(units.subset(dataset.name, found.others(), "rest"));
  };

  if (conflicting !== "ignore" && units.labelNames !== undefined) {
    const conflicts = findConflicts(units);
    if (conflicting === "refuse" && conflicts.count > 0) throw conflictError(conflicts, dataset.name);
    const detail = `${conflicts.count} with the text of another row, but not its label`;
    take(conflicts, conflicting === "drop" ? "drop" : "report", "conflicting labels", detail);
  }
  if (exact !== "ignore") {
    const copies = findCopies(units);
    take(copies, exact, "exact duplicates", `${copies.count} that repeat an earlier row`);
  }
  if (near !== "ignore") {
    const { found, others, cutShort } = await findNear(units, threshold, onEvent);
    const detail = [`${found.count} like an earlier row (Jaccard similarity of ${threshold} or more)`];
    if (others > 0) detail.push(`${others} like a row with another label, which stay`);
    if (cutShort > 0) detail.push(`${cutShort} with so many candidates that only some were compared`);
    take(found, near, "near duplicates", detail.join("; "));
  }
  return { dataset: units.dataset, steps };
}

/** All rows of a text that has several labels. */
function findConflicts(units: TextUnits): FoundRows {
  const conflicts = new FoundRows(units.length);
  const firsts = new Int32Array(units.length);
  const index = new ExactIndex((unit) => units.text(unit));
  for (let unit = 0; unit < units.length; unit++) {
    const first = index.findOrAdd(unit, units.text(unit)) ?? unit;
    firsts[unit] = first;
    if (units.answer(first) === units.answer(unit)) continue;
    conflicts.add(first, () => ({ where: units.where(first), detail: disagreement(units, first, unit) }));
  }
  for (let unit = 0; unit < units.length; unit++) if (conflicts.has(firsts[unit]!)) conflicts.add(unit);
  return conflicts;
}

function disagreement(units: TextUnits, first: number, other: number): string {
  const place = besides(units.where(first), units.where(other));
  return `is ${JSON.stringify(units.answer(first))}, ${place} is ${JSON.stringify(units.answer(other))}`;
}

/** Rows after the first with the same text and the same answer. */
function findCopies(units: TextUnits): FoundRows {
  const copies = new FoundRows(units.length);
  const whole = (unit: number): string => `${units.text(unit)}\u0000${units.answer(unit)}`;
  const index = new ExactIndex(whole);
  for (let unit = 0; unit < units.length; unit++) {
    const first = index.findOrAdd(unit, whole(unit));
    if (first === undefined) continue;
    copies.add(unit, () => ({
      where: units.where(unit),
      detail: `repeats ${besides(units.where(unit), units.where(first))}`,
    }));
  }
  return copies;
}

/**
 * Rows like an earlier row that stays and has the same label: a function before and after its repair is nearly the same,
 * and what differs is what there is to learn.
 */
async function findNear(
  units: TextUnits,
  threshold: number,
  onEvent: EventSink,
): Promise<{ readonly found: FoundRows; readonly others: number; readonly cutShort: number }> {
  const found = new FoundRows(units.length);
  const labelled = units.labelNames !== undefined;
  const index = new NearIndex(threshold, (unit) => units.text(unit));
  let others = 0;
  const look = (unit: number): void => {
    const sketch = index.sketch(units.text(unit));
    if (sketch === undefined) return;
    const labels = units.labels(unit).join();
    const match = index.find(sketch, (id) => units.labels(id).join() === labels);
    if (match === undefined) {
      if (labelled && index.find(sketch) !== undefined) others++;
      index.add(unit, sketch);
      return;
    }
    const detail = `is like ${besides(units.where(unit), units.where(match.id))} (${match.similarity.toFixed(2)})`;
    found.add(unit, () => ({ where: units.where(unit), detail }));
  };
  await eachUnit(units, look, onEvent);
  return { found, others, cutShort: index.cutShort };
}

function conflictError({ count, examples }: FoundRows, name: string): UserError {
  const { where, detail } = examples[0]!;
  return new UserError({
    code: "data/conflicting-labels",
    message: `rows of the ${name} set with the text of another row, but not its label: ${count}, first ${where} ${detail}`,
    where,
    fix: "mend the labels, or set prepare.conflicting_labels to drop (all rows of such texts) or report",
  });
}

/** A step that left nothing of a set. */
export function nothingLeft(step: string, set: string): UserError {
  return new UserError({
    code: "data/nothing-left",
    message: `no row of the ${set} set is left after the step ${step}`,
    fix: "look at the rows named above, or let the step only report",
  });
}
