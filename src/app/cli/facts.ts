/** Plain JSON for people: one name and value a line, sections indented. */
import { formatCount, formatFigure } from "../report/format.ts";
import { printable } from "./printable.ts";

const MAX_ENTRIES = 40;

/** Null and empty values are left out. */
export function factLines(object: object, indent = ""): string[] {
  const entries = Object.entries(object).filter(([, value]) => !isEmpty(value));
  const shown = entries.slice(0, MAX_ENTRIES);
  const width = Math.max(0, ...shown.filter(([, value]) => isInline(value)).map(([name]) => words(name).length));
  const lines = shown.flatMap(([name, value]) => {
    if (isInline(value)) return [`${indent}${words(name).padEnd(width)}  ${inline(value)}`];
    const members = Array.isArray(value)
      ? value.slice(0, MAX_ENTRIES).flatMap((member: unknown) => memberLines(member, `${indent}  `))
      : factLines(value as object, `${indent}  `);
    return [`${indent}${words(name)}`, ...members];
  });
  return entries.length > shown.length ? [...lines, `${indent}… and ${entries.length - shown.length} more`] : lines;
}

function memberLines(member: unknown, indent: string): string[] {
  if (typeof member !== "object" || member === null) return [`${indent}- ${inline(member)}`];
  const [first, ...rest] = factLines(member, `${indent}  `);
  return [`${indent}- ${first?.trimStart() ?? ""}`, ...rest];
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function isInline(value: unknown): boolean {
  if (!Array.isArray(value)) return typeof value !== "object";
  const scalars = value.every((member) => typeof member !== "object");
  return scalars && value.join(", ").length <= 100;
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return printable(value.join(", "));
  if (typeof value === "number") return Number.isInteger(value) ? formatCount(value) : formatFigure(value);
  return printable(String(value)).replaceAll("\n", " ");
}

/** A key as one line of text. */
function words(name: string): string {
  return printable(name).replaceAll("\n", " ");
}
