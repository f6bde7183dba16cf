/** A scan as it gates a change: with what is known before, and results where others read them. */
import { realpathSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { ScanPlace } from "./formats/format.ts";
import { applyBaseline, type BaselineEntry, baselineOf, readBaseline, writeBaseline } from "./gate/baseline.ts";
import { type ScanOptions, scan } from "./scan.ts";
import type { ScanResult } from "./scan-result.ts";

export interface CheckOptions extends ScanOptions {
  /** File of findings that are known. */
  readonly baseline?: string | undefined;
  /** Makes it of what is found. */
  readonly updateBaseline?: boolean | undefined;
}

/** Stale entries that are named. */
const SHOWN = 5;

/**
 * `scan`, and of its findings those that the baseline has are marked.
 * @param place of the scan's root
 * @throws UserError where there is no baseline, or it cannot be made
 */
export async function checkTree(model: string, options: CheckOptions, place: ScanPlace): Promise<ScanResult> {
  const { baseline, updateBaseline = false, onEvent = () => {}, diffBase } = options;
  if (baseline === undefined && updateBaseline) throw withoutBaseline();
  if (updateBaseline && diffBase !== undefined) throw ofAPart();
  const known = baseline === undefined ? [] : readBaseline(baseline, updateBaseline);
  const result = await scan(model, options);
  if (baseline === undefined) return result;

  const unread = new Set(result.problems.flatMap(({ path, fatal }) => (fatal ? [place.prefix + path] : [])));
  const covers = coverage(options.paths ?? ["."], place.root);
  const isSeen = ({ path }: BaselineEntry): boolean => covers(path) && !unread.has(path);
  const entries = updateBaseline
    ? baselineOf(
        result.findings,
        known.filter((entry) => !isSeen(entry)),
        place.prefix,
      )
    : known;
  if (updateBaseline && writeBaseline(baseline, entries)) {
    onEvent({ kind: "note", level: "info", message: `${baseline}: ${entries.length} entries, ${known.length} before` });
  }
  const { findings, stale } = applyBaseline(result.findings, entries, place.prefix);
  const gone = diffBase === undefined ? stale.filter(isSeen) : [];
  if (gone.length > 0) onEvent({ kind: "note", level: "warning", message: staleMessage(baseline, gone) });
  return { ...result, findings };
}

/** Whether a path from the repository's root on is one of those that are scanned, or below one. */
function coverage(paths: readonly string[], top: string): (path: string) => boolean {
  const scanned = paths.map((path) =>
    relative(top, realpathSync(resolve(path)))
      .split(sep)
      .join("/"),
  );
  return (path) => scanned.some((one) => one === "" || one === path || path.startsWith(`${one}/`));
}

function staleMessage(baseline: string, stale: readonly BaselineEntry[]): string {
  const names = stale.slice(0, SHOWN).map(({ path, label }) => `${label} in ${path}`);
  const more = stale.length > SHOWN ? `, and ${stale.length - SHOWN} more` : "";
  return `${baseline}: not found any more: ${names.join(", ")}${more}; --update-baseline takes them out`;
}

function withoutBaseline(): UserError {
  return new UserError({
    code: "scan/no-baseline",
    message: "it is not said which baseline to update",
    where: "--update-baseline",
    fix: "add --baseline FILE, or baseline to .fettle.yaml",
  });
}

function ofAPart(): UserError {
  return new UserError({
    code: "scan/part-of-baseline",
    message: "a baseline is of whole files, and --diff-base reports a part of what they have",
    where: "--update-baseline",
    fix: "leave --diff-base out",
  });
}
