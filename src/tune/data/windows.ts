/** A text too long for a model as overlapping pieces that fit. */
import type { Tokenizer } from "../../model/text/tokenizer.ts";

/** Some lines of a text, or a part of one line. */
export interface TextWindow {
  readonly text: string;
  /** From 1, in the text that it is of. */
  readonly startLine: number;
  /** Included. */
  readonly endLine: number;
}

/** Share of a window that the next one begins with again, so that what belongs together is together in one of them. */
const OVERLAP = 1 / 4;

/**
 * Windows of at most `maxTokens` tokens of the text. They begin and end with lines, as far as lines are no longer than a
 * window; every character is in one at least.
 */
export function windowsOf(text: string, tokenizer: Tokenizer, maxTokens: number): TextWindow[] {
  const overlap = Math.floor(maxTokens * OVERLAP);
  const lines = lineStarts(text);
  const { offsets } = tokenizer.encode(text);
  /** Tokens that begin before each line, and before the end of the text. */
  const before = tokensBefore(lines, offsets);
  const windows: TextWindow[] = [];
  for (let first = 0; first + 1 < lines.length; ) {
    let end = first + 1;
    while (end + 1 < lines.length && before[end + 1]! - before[first]! <= maxTokens) end++;
    if (before[end]! - before[first]! > maxTokens) {
      const pieces = partsOfLine(text, lines[first]!, lines[end]!, offsets, before[first]!, before[end]!, maxTokens);
      windows.push(...pieces.map((piece) => ({ text: piece, startLine: first + 1, endLine: first + 1 })));
      first = end;
      continue;
    }
    windows.push({ text: text.slice(lines[first], lines[end]), startLine: first + 1, endLine: end });
    if (end + 1 >= lines.length) break;
    let next = end;
    while (next - 1 > first && before[end]! - before[next - 1]! <= overlap) next--;
    // A line too long for any window begins none that it overlaps with.
    first = before[end + 1]! - before[next]! <= maxTokens ? next : end;
  }
  return windows;
}

/** The two halves of a window that turned out not to fit; undefined where there is nothing to halve. */
export function halvesOf({ text, startLine, endLine }: TextWindow): [TextWindow, TextWindow] | undefined {
  const lines = lineStarts(text);
  const count = lines.length - 1;
  if (count > 1) {
    const middle = count >> 1;
    return [
      { text: text.slice(0, lines[middle]), startLine, endLine: startLine + middle - 1 },
      { text: text.slice(lines[middle]), startLine: startLine + middle, endLine },
    ];
  }
  const at = wholeCharacter(text, text.length >> 1);
  if (at === 0) return undefined;
  return [
    { text: text.slice(0, at), startLine, endLine },
    { text: text.slice(at), startLine, endLine },
  ];
}

/** Where each line begins, and at last where the text ends. */
export function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1 && at + 1 < text.length; at = text.indexOf("\n", at + 1)) {
    starts.push(at + 1);
  }
  starts.push(text.length);
  return starts;
}

/** @param offsets [tokens, 2] begin and end of each token */
function tokensBefore(lines: readonly number[], offsets: Int32Array): number[] {
  let token = 0;
  return lines.map((start, i) => {
    if (i === lines.length - 1) return offsets.length / 2;
    while (token < offsets.length / 2 && offsets[2 * token]! < start) token++;
    return token;
  });
}

/** A line from token to token. */
function partsOfLine(
  text: string,
  start: number,
  end: number,
  offsets: Int32Array,
  firstToken: number,
  endToken: number,
  maxTokens: number,
): string[] {
  const step = maxTokens - Math.floor(maxTokens * OVERLAP);
  const parts: string[] = [];
  for (let token = firstToken; ; token += step) {
    const last = token + maxTokens >= endToken;
    const from = token === firstToken ? start : wholeCharacter(text, offsets[2 * token]!);
    parts.push(text.slice(from, last ? end : wholeCharacter(text, offsets[2 * (token + maxTokens)]!)));
    if (last) return parts;
  }
}

/** `at`, or one less where it is in the middle of a surrogate pair. */
function wholeCharacter(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000 ? at - 1 : at;
}
