import { readFileSync } from "node:fs";
import { UserError } from "../../src/base/errors.ts";

/** A text whose labels are known, and for each of them lines that show it, from 1. */
export interface GoldText {
  readonly text: string;
  readonly lines: ReadonlyMap<string, readonly number[]>;
}

/**
 * JSONL of `{text, lines: {label: line or list of lines}}`, as data/dockerfile-risks.
 * @throws UserError for a file that is otherwise
 */
export function readGold(file: string): GoldText[] {
  const rows = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return rows.map((row, i) => {
    const { text, lines } = JSON.parse(row) as { text?: string; lines?: Record<string, number | number[]> };
    if (text === undefined || lines === undefined) {
      throw new UserError({
        code: "bench/no-lines",
        message: "a row has no text or no lines",
        where: `${file}:${i + 1}`,
      });
    }
    return { text, lines: new Map(Object.entries(lines).map(([label, line]) => [label, [line].flat()])) };
  });
}
