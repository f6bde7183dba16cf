/**
 * The statements of code in any language, as far as lines tell: a statement goes on while a round or square bracket is open.
 * The anchor is the first statement, which in a function is its signature.
 */
import { linesOf, type TextUnit, type TextUnits } from "./text-units.ts";

/** A longer statement is taken for a bracket that never closes: in a comment, or in a string over several lines. */
const MAX_LINES = 20;
/** Nothing but closing brackets and what separates statements. */
const empty = /^[\s{}()[\];,]*$/;
const comment = /^\s*(\/\/|\/\*|\*|#(?!include|define|if|pragma))/;
/** Brackets in these do not count. */
const quoted = /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'|\/\/.*$|\/\*.*?\*\//g;

export function codeUnits(text: string): TextUnits {
  const lines = linesOf(text);
  const units: TextUnit[] = [];
  for (let at = 0; at < lines.length; ) {
    if (empty.test(lines[at]!) || comment.test(lines[at]!)) {
      at++;
      continue;
    }
    const end = statementEnd(lines, at);
    const numbers = Array.from({ length: end - at }, (_, i) => at + i).filter((i) => !empty.test(lines[i]!));
    const parts = numbers.map((i) => ({ line: i + 1, alone: `${lines[i]!.trimEnd()}\n` }));
    units.push({ startLine: at + 1, endLine: end, parts });
    at = end;
  }
  const [anchor, ...others] = units;
  if (others.length === 0) return { lines, units, anchor: undefined };
  return { lines, units: others, anchor: anchor && { startLine: anchor.startLine, endLine: anchor.endLine } };
}

function statementEnd(lines: readonly string[], begin: number): number {
  let depth = 0;
  for (let at = begin; at < Math.min(lines.length, begin + MAX_LINES); at++) {
    for (const character of lines[at]!.replace(quoted, "")) {
      if (character === "(" || character === "[") depth++;
      else if (character === ")" || character === "]") depth--;
    }
    if (depth <= 0) return at + 1;
  }
  return begin + 1;
}
