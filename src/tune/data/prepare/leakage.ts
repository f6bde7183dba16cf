/** Rows of one set that a model would meet again in the set that is to judge it. */
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import type { PrepareOptions } from "../../../base/recipe/recipe.ts";
import type { Dataset } from "../dataset.ts";
import { nothingLeft, type Prepared } from "./duplicates.ts";
import { eachUnit } from "./each-unit.ts";
import { ExactIndex } from "./exact-index.ts";
import { FoundRows } from "./found-rows.ts";
import { groupKeys } from "./groups.ts";
import { NearIndex } from "./near-index.ts";
import { besides, type PreparationStep, tellStep } from "./preparation.ts";
import { TextUnits } from "./text-units.ts";

export type LeakageKind = keyof PrepareOptions["leakage"];

export interface LeakageOptions {
  readonly actions: PrepareOptions["leakage"];
  readonly near_threshold: number;
  /** Fields whose values must not be on both sides. */
  readonly groupFields: readonly string[];
  /** Where the recipe says what to do, for errors. */
  readonly where: (kind: LeakageKind) => string;
}

/** Rows of `from` that are also in `judge`, by each kind. */
interface Finder {
  readonly kind: LeakageKind;
  readonly what: string;
  readonly find: (from: TextUnits, judge: TextUnits, options: LeakageOptions, onEvent: EventSink) => Promise<FoundRows>;
}

const finders: readonly Finder[] = [
  { kind: "exact", what: "the same text", find: findExact },
  { kind: "group", what: "the same group", find: findGroups },
  { kind: "near", what: "nearly the same text", find: findNear },
];

/**
 * The set `from` without the rows that leak into `judge`, where they are to be left out. Memory goes by the rows of
 * `judge` alone.
 * @throws UserError when rows leak and that is refused, or no row is left
 */
export async function removeLeaks(
  from: Dataset,
  judge: Dataset,
  options: LeakageOptions,
  onEvent: EventSink,
): Promise<Prepared> {
  const steps: PreparationStep[] = [];
  const judging = new TextUnits(judge);
  let units = new TextUnits(from);
  for (const { kind, what, find } of finders) {
    const action = options.actions[kind];
    if (action === "ignore" || (kind === "group" && options.groupFields.length === 0)) continue;
    const found = await find(units, judging, options, onEvent);
    const { total, count, examples } = found;
    const out = action === "drop" ? total - count : total;
    const by = kind === "group" ? ` (${options.groupFields.join(", ")})` : "";
    const detail = `${count} with ${what}${by} as a row of the ${judge.name} set`;
    const told = { step: `leakage, ${kind}`, set: from.name, in: total, out, changed: 0, detail, examples };
    if (count > 0 && action === "refuse") throw leakageError(told, options.where(kind), kind);
    const hint = `prepare.leakage.${kind}: drop leaves them out`;
    if (count > 0 && action === "report") tellStep(told, "warning", onEvent, hint);
    else if (count > 0) tellStep(told, "info", onEvent);
    steps.push(told);
    if (out === 0) throw nothingLeft(told.step, from.name);
    if (out < total) units = new TextUnits(units.subset(from.name, found.others(), "rest"));
  }
  return { dataset: units.dataset, steps };
}

async function findExact(from: TextUnits, judge: TextUnits, _: LeakageOptions, onEvent: EventSink): Promise<FoundRows> {
  const index = new ExactIndex((unit) => judge.text(unit));
  for (let unit = 0; unit < judge.length; unit++) index.findOrAdd(unit, judge.text(unit));
  const found = new FoundRows(from.length);
  const look = (unit: number): void => {
    const match = index.find(from.text(unit));
    if (match !== undefined)
      found.add(unit, () => ({
        where: from.where(unit),
        detail: `is ${besides(from.where(unit), judge.where(match))}`,
      }));
  };
  await eachUnit(from, look, onEvent);
  return found;
}

async function findNear(
  from: TextUnits,
  judge: TextUnits,
  { near_threshold }: LeakageOptions,
  onEvent: EventSink,
): Promise<FoundRows> {
  const index = new NearIndex(near_threshold, (unit) => judge.text(unit));
  for (let unit = 0; unit < judge.length; unit++) {
    const sketch = index.sketch(judge.text(unit));
    if (sketch !== undefined) index.add(unit, sketch);
  }
  const found = new FoundRows(from.length);
  const look = (unit: number): void => {
    const sketch = index.sketch(from.text(unit));
    const match = sketch && index.find(sketch);
    if (match === undefined) return;
    const detail = `is like ${besides(from.where(unit), judge.where(match.id))} (${match.similarity.toFixed(2)})`;
    found.add(unit, () => ({ where: from.where(unit), detail }));
  };
  await eachUnit(from, look, onEvent);
  return found;
}

async function findGroups(
  from: TextUnits,
  judge: TextUnits,
  { groupFields }: LeakageOptions,
  onEvent: EventSink,
): Promise<FoundRows> {
  const judged = new Map<string, number>();
  for (let unit = 0; unit < judge.length; unit++) {
    for (const key of groupKeys(judge.row(unit), groupFields)) if (!judged.has(key)) judged.set(key, unit);
  }
  const found = new FoundRows(from.length);
  const look = (unit: number): void => {
    const key = groupKeys(from.row(unit), groupFields).find((own) => judged.has(own));
    if (key === undefined) return;
    const where = besides(from.where(unit), judge.where(judged.get(key)!));
    found.add(unit, () => ({ where: from.where(unit), detail: `shares ${key} with ${where}` }));
  };
  await eachUnit(from, look, onEvent);
  return found;
}

function leakageError(
  { set, in: total, detail, examples }: PreparationStep,
  where: string,
  kind: LeakageKind,
): UserError {
  const shown = examples.map((example) => `${example.where} ${example.detail}`).join("; ");
  return new UserError({
    code: `data/leakage-${kind}`,
    message: `leakage: among ${total} rows of the ${set} set, ${detail}: ${shown}`,
    where,
    fix: `set prepare.leakage.${kind} to drop, which leaves them out of the ${set} set; report goes on with a warning`,
  });
}
