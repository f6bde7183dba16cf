import Table from "cli-table3";

/** cli-table3 draws a box by default; aligned columns are easier to read, and `grep` and `awk` can read them too. */
const NO_BORDERS = Object.fromEntries(
  [
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"],
    ...["left", "left-mid", "mid", "mid-mid", "right", "right-mid"],
  ].map((part) => [part, ""]),
);

/** Rows in aligned columns, the first to the left, figures to the right. */
export function plainTable(head: readonly string[], rows: readonly (readonly string[])[], leftColumns = 1): string {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column < leftColumns ? "left" : "right")),
    chars: { ...NO_BORDERS, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}
