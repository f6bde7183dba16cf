/** A text in units that can be left out: what a region is found among. Lines count from 1. */
export interface TextUnits {
  /** Each with the break that ends it, so that together they are the text. */
  readonly lines: readonly string[];
  /** In their order, without the anchor, comments and blank lines. */
  readonly units: readonly TextUnit[];
  /** What every other unit is read with, and what stands for a risk that no line shows; undefined where there is none. */
  readonly anchor: LineRange | undefined;
}

/** Both ends included. */
export interface LineRange {
  readonly startLine: number;
  readonly endLine: number;
}

/** An instruction or statement. */
export interface TextUnit extends LineRange {
  /** Its lines that say something. */
  readonly parts: readonly UnitLine[];
}

export interface UnitLine {
  readonly line: number;
  /** The line as it can stand on its own, such as one of a continued instruction after the instruction's name. */
  readonly alone: string;
}

/** Each with the break that ends it. */
export function linesOf(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

export function textOf(lines: readonly string[], { startLine, endLine }: LineRange): string {
  return lines.slice(startLine - 1, endLine).join("");
}
