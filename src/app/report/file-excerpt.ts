import { type Html, html } from "./html.ts";

/** A range of lines, from 1. */
export interface LineRange {
  readonly start: number;
  readonly end: number;
}

/** Files up to this long are shown as a whole. */
const WHOLE = 30;
/** Lines around one that is marked, lines of a range that are marked, and lines shown in all. */
const AROUND = 3;
const MOST_MARKED = 8;
const MOST_SHOWN = 60;
const LONGEST_LINE = 240;

/** A file with line numbers, some lines marked; of a long one the lines around these, or its beginning. */
export function fileExcerpt(text: string, marked: readonly LineRange[]): Html {
  const lines = text.replace(/\n$/, "").split(/\r?\n/);
  const isMarked = (number: number): boolean =>
    marked.some(({ start, end }) => number >= start && number <= Math.min(end, start + MOST_MARKED - 1));
  const isNear = (number: number): boolean =>
    lines.length <= WHOLE ||
    (marked.length === 0 && number <= WHOLE) ||
    Array.from({ length: 2 * AROUND + 1 }, (_, i) => number - AROUND + i).some(isMarked);
  const shown = lines.flatMap((line, i) => (isNear(i + 1) ? [{ number: i + 1, line }] : [])).slice(0, MOST_SHOWN);
  const width = String(lines.length).length;
  const parts = shown.map(({ number, line }, i) => {
    const gap = number > (shown[i - 1]?.number ?? 0) + 1 && "…\n";
    const cut = line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
    const numbered = `${String(number).padStart(width)}  ${cut}`;
    return html`${gap}${isMarked(number) ? html`<mark>${numbered}</mark>` : numbered}\n`;
  });
  return html`<pre tabindex="0">${parts}${(shown.at(-1)?.number ?? 0) < lines.length && "…"}</pre>`;
}
