import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import type { Dataset } from "../dataset.ts";
import { type PreparationStep, tellStep } from "./preparation.ts";
import { stratify } from "./stratify.ts";
import { TextUnits } from "./text-units.ts";
import { unitsTogether } from "./units-together.ts";

/** A part to take away. */
export interface Part {
  readonly name: string;
  /** Of all rows. */
  readonly fraction: number;
}

export interface Split {
  readonly rest: Dataset;
  /** In the order asked for. */
  readonly parts: readonly Dataset[];
  readonly steps: readonly PreparationStep[];
}

/**
 * Takes parts of a set away, each with every label's share as nearly as groups allow, and with a row of each label that
 * has groups enough. Rows with the same text, the same value of a group field, and questions about the same text stay
 * together. Which rows depends on the seed and their content, not on their order; all sets stay in file order.
 * @throws UserError when a set would be without rows, or the rest without a label that a part has
 */
export function splitDataset(
  dataset: Dataset,
  parts: readonly Part[],
  { seed, groupFields }: { readonly seed: number; readonly groupFields: readonly string[] },
  onEvent: EventSink,
): Split {
  const units = new TextUnits(dataset);
  const groups = unitsTogether(units, groupFields, seed);
  const rest = 1 - parts.reduce((sum, { fraction }) => sum + fraction, 0);
  const sides = stratify(groups, [rest, ...parts.map(({ fraction }) => fraction)]);
  const names = [dataset.name, ...parts.map(({ name }) => name)];
  const members: number[][] = names.map(() => []);
  for (let unit = 0; unit < units.length; unit++) members[sides[groups.groupOf[unit]!]!]!.push(unit);
  const empty = names.findIndex((_, side) => members[side]!.length === 0);
  if (empty >= 0) throw emptySide(names[empty]!, units.length, groups.sizes.length);
  refuseLostLabels(units, members, names, onEvent);
  const shares = names.map((name, side) => `${name} ${members[side]!.length} (${percent(members[side]!, units)})`);
  const together = groups.sizes.length === units.length ? "" : `, ${groups.sizes.length} groups of rows`;
  const by = groupFields.length === 0 ? "" : ` by ${groupFields.join(", ")}`;
  const without = groups.without === 0 || by === "" ? "" : `; ${groups.without} rows lack a group field`;
  const step: PreparationStep = {
    step: "split",
    set: dataset.name,
    in: units.length,
    out: members[0]!.length,
    changed: 0,
    detail: `${shares.join(", ")}${together}${by}${without}`,
    examples: [],
  };
  return {
    rest: units.subset(dataset.name, members[0]!, "rest"),
    parts: parts.map(({ name }, i) => units.subset(name, members[i + 1]!, "piece")),
    steps: [tellStep(step, "info", onEvent)],
  };
}

function percent(members: readonly number[], units: TextUnits): string {
  return `${((100 * members.length) / units.length).toFixed(1)} %`;
}

function emptySide(name: string, rows: number, groups: number): UserError {
  const held = groups === rows ? `${rows} rows` : `${rows} rows in ${groups} groups`;
  return new UserError({
    code: "data/empty-split",
    message: `of ${held}, none is left for the ${name} set`,
    where: `data.${name}`,
    fix: "take another fraction, or name a file",
  });
}

/** A label that is only in a part is never learnt; one that a part lacks is not measured there. */
function refuseLostLabels(
  units: TextUnits,
  members: readonly (readonly number[])[],
  names: readonly string[],
  onEvent: EventSink,
): void {
  const labelNames = units.labelNames;
  if (labelNames === undefined) return;
  const seen = members.map((own) => new Set(own.flatMap((unit) => units.labels(unit))));
  const all = new Set(seen.flatMap((labels) => [...labels]));
  seen.forEach((labels, side) => {
    const lost = [...all].filter((label) => !labels.has(label)).map((label) => labelNames[label]!);
    if (lost.length === 0) return;
    const message = `the ${names[side]} set has no row of ${lost.slice(0, 5).join(", ")}${lost.length > 5 ? ", …" : ""}`;
    if (side > 0) {
      onEvent({ kind: "note", level: "warning", message });
      return;
    }
    throw new UserError({
      code: "data/lost-label",
      message: `split: ${message}: all its rows are in one group`,
      fix: "take another seed or fraction, or group by another field (prepare.group_by)",
    });
  });
}
