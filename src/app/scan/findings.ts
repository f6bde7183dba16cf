/** From scores to findings, as the model decides about a text. */
import { createHash } from "node:crypto";
import { decide } from "../../tune/score/decision.ts";
import type { LazyModel } from "./scan-model.ts";
import type { Finding, Region } from "./scan-result.ts";
import type { ScoredWindow } from "./score-texts.ts";

/** A text that was scored: a file, or a function of it. */
export interface ScoredUnit {
  /** Where it begins in its file, from 1. */
  readonly startLine: number;
  /** The function's name. */
  readonly name?: string | undefined;
  readonly windows: readonly ScoredWindow[];
}

const SNIPPET_LINES = 20;
const SNIPPET_CHARACTERS = 2000;

/** A label is found where one window of the text has it at least, with the highest probability of those. */
export function foundLabels(
  windows: readonly ScoredWindow[],
  { labels, decision, rules }: LazyModel,
): ReadonlyMap<number, ScoredWindow> {
  const best = new Map<number, ScoredWindow>();
  for (const window of windows) {
    const { chosen, predicted } = decide(Float64Array.from(window.probabilities), decision);
    for (const label of chosen ?? [predicted]) {
      if (!rules.has(labels[label]!)) continue;
      const known = best.get(label);
      if (known === undefined || window.probabilities[label]! > known.probabilities[label]!) best.set(label, window);
    }
  }
  return best;
}

/** @param lines of the file */
export function findingsOf(
  path: string,
  lines: readonly string[],
  { startLine, name, windows }: ScoredUnit,
  model: LazyModel,
): Finding[] {
  return [...foundLabels(windows, model)].map(([label, window]) => {
    const rule = model.rules.get(model.labels[label]!)!;
    const found: Region = window.regions?.[label] ?? {
      startLine: window.startLine,
      endLine: window.endLine,
      by: "whole-text",
    };
    const region = inFile(found, startLine);
    return {
      path,
      label: rule.label,
      severity: rule.severity,
      probability: window.probabilities[label]!,
      threshold: thresholdOf(label, model.decision),
      region,
      unit: name,
      snippet: snippetOf(lines, region),
      fingerprint: fingerprintOf(rule.label, lines, region),
    };
  });
}

/** @param startLine where the text begins that the region's lines are counted in */
function inFile({ startLine: first, endLine, line, ...rest }: Region, startLine: number): Region {
  const before = startLine - 1;
  return {
    startLine: before + first,
    endLine: before + endLine,
    ...(line !== undefined && { line: before + line }),
    ...rest,
  };
}

function thresholdOf(
  label: number,
  { multiLabel, thresholds, positive, threshold }: LazyModel["decision"],
): number | null {
  if (multiLabel) return thresholds[label]!;
  return label === positive ? (threshold ?? null) : null;
}

function snippetOf(lines: readonly string[], { startLine, endLine }: Region): string {
  const last = Math.min(endLine, startLine + SNIPPET_LINES - 1);
  return lines
    .slice(startLine - 1, last)
    .join("\n")
    .slice(0, SNIPPET_CHARACTERS);
}

function fingerprintOf(label: string, lines: readonly string[], { startLine, endLine }: Region): string {
  const hash = createHash("sha256").update(`${label}\0`);
  for (let line = startLine - 1; line < endLine; line++) hash.update(`${lines[line]}\n`);
  return hash.digest("hex").slice(0, 32);
}
