/** Guesses of the lines that a label is about, held to lines that are known to show it. */
import type { LineRange } from "../../src/tune/score/regions/text-units.ts";

export interface Guess {
  /** The first is the answer, the others come next. */
  readonly regions: readonly LineRange[];
  /** The one line of the answer that says most. */
  readonly line: number;
}

export interface Judged {
  readonly findings: number;
  /** Whose region holds one of the known lines. */
  readonly hits: number;
  /** The same for the first three regions together. */
  readonly hitsOfThree: number;
  /** Whose one line is one of the known lines. */
  readonly lineHits: number;
  /** Of the answers together. */
  readonly lines: number;
}

export const none: Judged = { findings: 0, hits: 0, hitsOfThree: 0, lineHits: 0, lines: 0 };

export function judge({ regions, line }: Guess, known: readonly number[]): Judged {
  const holds = ({ startLine, endLine }: LineRange): boolean =>
    known.some((line) => startLine <= line && line <= endLine);
  const first = regions[0]!;
  return {
    findings: 1,
    hits: holds(first) ? 1 : 0,
    hitsOfThree: regions.slice(0, 3).some(holds) ? 1 : 0,
    lineHits: known.includes(line) ? 1 : 0,
    lines: first.endLine - first.startLine + 1,
  };
}

export function together(all: readonly Judged[]): Judged {
  return all.reduce(
    (sum, own) => ({
      findings: sum.findings + own.findings,
      hits: sum.hits + own.hits,
      hitsOfThree: sum.hitsOfThree + own.hitsOfThree,
      lineHits: sum.lineHits + own.lineHits,
      lines: sum.lines + own.lines,
    }),
    none,
  );
}
