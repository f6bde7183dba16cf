/** What a scan found. Every format is written from this alone. */
import type { Severity } from "../../base/taxonomy/taxonomy.ts";
import type { ScanRule } from "../../tune/train/scan-settings.ts";

export interface ScanResult {
  /** Fettle's version. */
  readonly version: string;
  readonly model: ScanModel;
  /** Absolute; paths of findings and problems are relative to it. */
  readonly root: string;
  readonly files: ScanCounts;
  /** By path, then line, then rule; those that are ignored or in the baseline included, and marked. */
  readonly findings: readonly Finding[];
  /** What could not be scanned, by path. */
  readonly problems: readonly ScanProblem[];
  /** Wall time. */
  readonly seconds: number;
}

export interface ScanModel {
  /** As given by the user. */
  readonly name: string;
  /** sha256 of weights, template and decision: two scans with the same one say the same of the same bytes. */
  readonly fingerprint: string;
  /** Every label that can be found, in the model's order; not those that say that nothing was found. */
  readonly rules: readonly ScanRule[];
}

export interface ScanCounts {
  /** That the model is for, after .gitignore. */
  readonly found: number;
  /** Scored in this scan. */
  readonly scored: number;
  /** Answered from the cache. */
  readonly cached: number;
  /** With nothing to score in them: blank, or without a function where functions are scored. */
  readonly empty: number;
  /** Left out since they are as in the commit of `--diff-base`. */
  readonly unchanged: number;
  /** Texts that were scored or answered from the cache: files, functions, windows. */
  readonly texts: number;
}

export interface Finding {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly label: string;
  readonly severity: Severity;
  /** Calibrated, of the label. */
  readonly probability: number;
  /** From which probability on it is a finding; null: it is the most probable label. */
  readonly threshold: number | null;
  readonly region: Region;
  /** The function that it is in, where files are split. */
  readonly unit?: string | undefined;
  /** The lines of the region, at most 20 of them. */
  readonly snippet: string;
  /** Hex; the same where the same text of a region has the same label, wherever it is. */
  readonly fingerprint: string;
  /** Why it does not count; undefined: it does. */
  readonly suppressed?: { readonly by: "inline" | "baseline"; readonly reason: string } | undefined;
}

/** Lines from 1, both ends included. */
export interface Region {
  readonly startLine: number;
  readonly endLine: number;
  /**
   * How it was found. `lines-left-out`: these lines raise the score most. `rest-left-out`: these lines, the last FROM or a
   * function's signature, have the label also when all else is left out, so they show it, or what shows it is missing.
   * `absence`: the same lines, of a label that by its taxonomy no line shows. `whole-text`: all that was scored.
   */
  readonly by: "lines-left-out" | "rest-left-out" | "absence" | "whole-text";
  /** The line of the region that says most; undefined where lines were not told apart. */
  readonly line?: number | undefined;
  /** By how much the log-odds fall when the region is left out; undefined where that was not asked. */
  readonly drop?: number | undefined;
}

export interface ScanProblem {
  readonly path: string;
  readonly message: string;
  /** Whether something that should have been scanned was not: the scan could not finish (exit code 2). */
  readonly fatal: boolean;
}
