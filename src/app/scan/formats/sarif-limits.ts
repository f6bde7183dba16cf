/**
 * What GitHub's code scanning takes of a SARIF file:
 * https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit
 */
import { gzipSync } from "node:zlib";
import { counted } from "./finding-text.ts";
import type { Written } from "./format.ts";

/** More are refused, with the whole file. */
export const MAX_RESULTS = 25_000;
/** More are taken, but not shown. */
const SHOWN_RESULTS = 5_000;
/** Of a rule; 20 are taken, 10 are shown. */
export const MAX_TAGS = 10;
export const MAX_RULES = 25_000;
/** Compressed, as it is uploaded. */
const MAX_ZIPPED_BYTES = 10_000_000;
/** Text that is shorter cannot be larger than `MAX_ZIPPED_BYTES` when it is compressed. */
const SURELY_SMALL = 9_000_000;

/**
 * Text within the limits, with as many of the first results as they allow.
 * @param total results there are, the gravest first
 * @param render text with the first `count` of them, and what it should say of those left out
 */
export function withinLimits(total: number, render: (count: number, notes: readonly string[]) => string): Written {
  let count = Math.min(total, MAX_RESULTS);
  for (;;) {
    const notes = limitNotes(total, count);
    const text = render(count, notes);
    if (text.length < SURELY_SMALL / 3 || count === 0 || zippedBytes(text) <= MAX_ZIPPED_BYTES) return { text, notes };
    count = Math.floor(count / 2);
  }
}

function limitNotes(total: number, count: number): readonly string[] {
  if (count < total) {
    return [
      `sarif: ${counted(total - count, "finding")} of ${total} left out, the least grave ones: GitHub refuses files of more than ${MAX_RESULTS} results or ${MAX_ZIPPED_BYTES / 1e6} MB compressed`,
    ];
  }
  if (count <= SHOWN_RESULTS) return [];
  return [`sarif: GitHub shows the ${SHOWN_RESULTS} gravest of ${count} results`];
}

function zippedBytes(text: string): number {
  return gzipSync(text).length;
}
