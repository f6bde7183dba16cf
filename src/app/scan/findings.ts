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

/**
 * A label is found where one window of the text has it at least, with the highest probability of those.
 * @param lines of the file
 */
export function findingsOf(
  path: string,
  lines: readonly string[],
  { startLine, name, windows }: ScoredUnit,
  { labels, decision, rules }: LazyModel,
): Finding[] {
  const best = new Map<number, ScoredWindow>();
  for (const window of windows) {
    const { chosen, predicted } = decide(Float64Array.from(window.probabilities), decision);
    for (const label of chosen ?? [predicted]) {
      const known = best.get(label);
      if (known === undefined || window.probabilities[label]! > known.probabilities[label]!) best.set(label, window);
    }
  }
  return [...best].flatMap(([label, window]) => {
    const rule = rules.get(labels[label]!);
    if (rule === undefined) return [];
    const region: Region = {
      startLine: startLine + window.startLine - 1,
      endLine: startLine + window.endLine - 1,
      by: "whole-text",
    };
    return {
      path,
      label: rule.label,
      severity: rule.severity,
      probability: window.probabilities[label]!,
      threshold: thresholdOf(label, decision),
      region,
      unit: name,
      snippet: snippetOf(lines, region),
      fingerprint: fingerprintOf(rule.label, lines, region),
    };
  });
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
