/** Findings that are known and to be mended later, in a file beside the code: only what is new fails. */
import { existsSync } from "node:fs";
import { z } from "zod";
import { UserError } from "../../../base/errors.ts";
import { writeFileAtomic } from "../../../model/files/atomic.ts";
import { parseJsonObject, readTextFile } from "../../../model/files/json-file.ts";
import type { Finding } from "../scan-result.ts";

/** One finding, or several with the same text. */
export interface BaselineEntry {
  /** From the repository's root on, so that it is the same wherever a scan is started. */
  readonly path: string;
  readonly label: string;
  /** Of the lines that show it; of what no line shows the file or function, as any change would make its text another. */
  readonly fingerprint: string;
  readonly count: number;
}

const VERSION = 1;
const MAX_BYTES = 64 * 2 ** 20;

const schema = z.strictObject({
  version: z.literal(VERSION),
  findings: z.array(
    z.strictObject({
      path: z.string().min(1),
      label: z.string(),
      fingerprint: z.string().min(1),
      count: z.int().min(1).default(1),
    }),
  ),
});

/**
 * @param canBeNew whether none is as good as an empty one
 * @throws UserError when there is none, or it is not one
 */
export function readBaseline(path: string, canBeNew = false): readonly BaselineEntry[] {
  if (!existsSync(path)) {
    if (canBeNew) return [];
    throw new UserError({
      code: "scan/no-baseline",
      message: "there is no baseline",
      where: path,
      fix: "make it of what is found now: add --update-baseline",
    });
  }
  const parsed = schema.safeParse(parseJsonObject(readTextFile(path, MAX_BYTES), path));
  if (parsed.success) return parsed.data.findings;
  const { message, path: place } = parsed.error.issues[0]!;
  throw new UserError({
    code: "scan/bad-baseline",
    message: `this is no baseline: ${place.join(".") || "it"}: ${message}`,
    where: path,
    fix: "make it anew: move it away and add --update-baseline",
  });
}

/** @returns whether it is another one than before */
export function writeBaseline(path: string, entries: readonly BaselineEntry[]): boolean {
  const text = baselineText(entries);
  if (existsSync(path) && readTextFile(path, MAX_BYTES) === text) return false;
  writeFileAtomic(path, text);
  return true;
}

/** One line for each entry, in an order of their own, so that a change of one is a change of a line. */
export function baselineText(entries: readonly BaselineEntry[]): string {
  const lines = entries
    .map(({ path, label, fingerprint, count }) => ({ path, label, fingerprint, ...(count > 1 ? { count } : {}) }))
    .map((entry) => `    ${JSON.stringify(entry)}`)
    .sort();
  const findings = lines.length === 0 ? "[]" : `[\n${lines.join(",\n")}\n  ]`;
  return `{\n  "version": ${VERSION},\n  "findings": ${findings}\n}\n`;
}

/**
 * Findings with those that the baseline has marked, and entries, or what is left of their count, that nothing has.
 * @param prefix of the scan's root in its repository
 */
export function applyBaseline(
  findings: readonly Finding[],
  entries: readonly BaselineEntry[],
  prefix: string,
): { readonly findings: Finding[]; readonly stale: readonly BaselineEntry[] } {
  const left = new Map<string, BaselineEntry>();
  for (const entry of entries) {
    const same = left.get(keyOf(entry));
    left.set(keyOf(entry), { ...entry, count: entry.count + (same?.count ?? 0) });
  }
  const marked = findings.map((finding): Finding => {
    const entry = left.get(keyOf(entryOf(finding, prefix)));
    if (finding.suppressed !== undefined || entry === undefined || entry.count === 0) return finding;
    left.set(keyOf(entry), { ...entry, count: entry.count - 1 });
    return { ...finding, suppressed: { by: "baseline", reason: "in the baseline" } };
  });
  return { findings: marked, stale: [...left.values()].filter(({ count }) => count > 0) };
}

/**
 * The baseline of what is found now. What is ignored in the file itself is not in it.
 * @param before entries of files that this scan did not see, which stay
 * @param prefix of the scan's root in its repository
 */
export function baselineOf(
  findings: readonly Finding[],
  before: readonly BaselineEntry[],
  prefix: string,
): readonly BaselineEntry[] {
  const entries = new Map(before.map((entry) => [keyOf(entry), entry]));
  for (const finding of findings) {
    if (finding.suppressed?.by === "inline") continue;
    const entry = entryOf(finding, prefix);
    const count = (entries.get(keyOf(entry))?.count ?? 0) + 1;
    entries.set(keyOf(entry), { ...entry, count });
  }
  return [...entries.values()];
}

function entryOf({ path, label, fingerprint, region, unit }: Finding, prefix: string): BaselineEntry {
  const whole = unit === undefined ? "whole file" : `whole of ${unit}`;
  return { path: prefix + path, label, fingerprint: region.by === "lines-left-out" ? fingerprint : whole, count: 1 };
}

function keyOf({ path, label, fingerprint }: BaselineEntry): string {
  return JSON.stringify([path, label, fingerprint]);
}
