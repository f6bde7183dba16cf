import type { PreparedSet, PreparedSets } from "../inspect/data-preparation.ts";
import { formatCount } from "../report/format.ts";
import { printable } from "./printable.ts";
import type { Terminal } from "./terminal.ts";

const MAX_LABELS = 12;

/** From the rows in the files to those that training has, step by step, for people. */
export function preparationLines(
  { sets, steps, refused }: PreparedSets,
  { colors }: Pick<Terminal, "colors">,
): string[] {
  const { bold, yellow } = colors;
  if (refused !== null) {
    return [
      bold("as training has them: it would not begin"),
      ...refused.split("\n").map((line) => yellow(`  ${line}`)),
    ];
  }
  return [
    bold("as training has them; all above is of the files as they are read"),
    ...steps.map(({ set, step, detail, in: before, out }) => {
      const rows =
        before === out ? `${formatCount(before)} rows` : `${formatCount(before)} -> ${formatCount(out)} rows`;
      return printable(`  ${set}, ${step}: ${rows}, ${detail}`).replaceAll("\n", " ");
    }),
    ...sets.map((set) => bold(setLine(set))),
  ];
}

function setLine({ name, read, rows, labels }: PreparedSet): string {
  const count = read === null || read === rows ? formatCount(rows) : `${formatCount(read)} -> ${formatCount(rows)}`;
  const entries = Object.entries(labels ?? {});
  const shown = entries.slice(0, MAX_LABELS).map(([label, own]) => `${label} ${formatCount(own)}`);
  const more = entries.length > MAX_LABELS ? [`… (${entries.length} labels)`] : [];
  const listed = shown.length === 0 ? "" : `: ${[...shown, ...more].join(", ")}`;
  return printable(`  ${name} ${count} rows${listed}`).replaceAll("\n", " ");
}
