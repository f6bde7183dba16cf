/**
 * The instructions of a Dockerfile, by the rules of Docker's Dockerfile reference: an escape character at a line's end
 * continues it, comments and blank lines inside a continued instruction are passed over, and the bodies of heredocs belong to
 * the instruction that opens them. The anchor is the last FROM: the stage that becomes the image begins there.
 */
import { type LineRange, linesOf, type TextUnit, type TextUnits, type UnitLine } from "./text-units.ts";

const HEREDOC = /<<(-?)(["']?)([A-Za-z_][\w.-]*)\2/g;
const comment = /^\s*(#|$)/;

export function dockerfileUnits(text: string): TextUnits {
  const lines = linesOf(text);
  const continuation = continuationOf(lines);
  const units: TextUnit[] = [];
  for (let at = 0; at < lines.length; ) {
    if (comment.test(lines[at]!)) {
      at++;
      continue;
    }
    const end = instructionEnd(lines, at, continuation);
    units.push({ startLine: at + 1, endLine: end, parts: partsOf(lines, at, end, continuation) });
    at = end;
  }
  const last = units.findLast(({ startLine }) => /^\s*FROM\s/i.test(lines[startLine - 1]!));
  const anchor: LineRange | undefined = last && { startLine: last.startLine, endLine: last.endLine };
  return { lines, units: units.filter((unit) => unit !== last), anchor };
}

/** The directive `escape` stands before anything but other directives. */
function continuationOf(lines: readonly string[]): string {
  for (const line of lines) {
    const directive = /^\s*#\s*(\w+)\s*=\s*(\S+)\s*$/.exec(line);
    if (directive === null) break;
    if (directive[1]!.toLowerCase() === "escape" && directive[2] === "`") return "`";
  }
  return "\\";
}

/** Index after the last line of the instruction that begins at line `begin`. */
function instructionEnd(lines: readonly string[], begin: number, continuation: string): number {
  let end = begin + 1;
  let last = begin;
  while (end < lines.length && lines[last]!.trimEnd().endsWith(continuation)) {
    if (!comment.test(lines[end]!)) last = end;
    end++;
  }
  if (!/^\s*(ONBUILD\s+)?(RUN|COPY|ADD)\s/i.test(lines[begin]!)) return last + 1;
  end = last + 1;
  for (const [, tabs, , name] of lines.slice(begin, end).join("").matchAll(HEREDOC)) {
    const closing = lines.findIndex(
      (line, i) => i >= end && (tabs ? line.replace(/^\t+/, "") : line).trimEnd() === name,
    );
    // Without its closing line it is no heredoc, but shell text that looks like one.
    if (closing >= 0) end = closing + 1;
  }
  return end;
}

function partsOf(lines: readonly string[], begin: number, end: number, continuation: string): UnitLine[] {
  const name = /^\s*(ONBUILD\s+)?\S+/i.exec(lines[begin]!)![0].trim();
  const parts: UnitLine[] = [];
  for (let at = begin; at < end; at++) {
    if (at > begin && comment.test(lines[at]!)) continue;
    const own = bare(lines[at]!, continuation);
    if (own !== "") parts.push({ line: at + 1, alone: `${at === begin ? own : `${name} ${own}`}\n` });
  }
  return parts;
}

/** A line without what joins it to its neighbours. */
function bare(line: string, continuation: string): string {
  const own = line.trim();
  const unescaped = own.endsWith(continuation) ? own.slice(0, -1).trimEnd() : own;
  return unescaped
    .replace(/(&&|\|\||[;|])$/, "")
    .replace(/^(&&|\|\||;)/, "")
    .trim();
}
