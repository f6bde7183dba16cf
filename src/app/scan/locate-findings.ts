/** Which lines of scored texts their findings are about. */
import {
  absenceRegion,
  findRegions,
  MAX_UNSHARED_STEPS,
  type RegionRequest,
} from "../../tune/score/regions/find-regions.ts";
import { unitsOf } from "../../tune/score/regions/units-of.ts";
import { foundLabels } from "./findings.ts";
import type { LazyModel } from "./scan-model.ts";
import type { Region } from "./scan-result.ts";
import type { ScoredText, ScoredWindow, TextScorer } from "./score-texts.ts";

interface Found extends RegionRequest {
  readonly scored: ScoredWindow;
}

/** The same scores, with regions for what is found. A window that is less than a line has none smaller than that line. */
export async function withRegions(
  texts: readonly string[],
  scores: readonly ScoredText[],
  model: LazyModel,
  scorer: TextScorer,
): Promise<ScoredText[]> {
  const regions = new Map<ScoredWindow, Record<number, Region>>();
  for (const [window, all] of absences(texts, scores, model)) regions.set(window, all);
  const maxSteps = scorer.sharesBeginnings ? undefined : MAX_UNSHARED_STEPS;
  for await (const [{ scored }, found] of findRegions(scorer.odds, requests(texts, scores, model), { maxSteps })) {
    const located = found.map(({ label, ...region }) => [label, kept(region)] as const);
    regions.set(scored, { ...regions.get(scored), ...Object.fromEntries(located) });
  }
  return scores.map((score) =>
    typeof score === "string" ? score : score.map((window) => ({ ...window, regions: regions.get(window) })),
  );
}

/** Whether nothing is found in the windows that would have to be looked for: thresholds may have changed since. */
export function hasRegions(windows: readonly ScoredWindow[], model: LazyModel): boolean {
  return [...foundLabels(windows, model)].every(
    ([label, window]) => isOneLine(window) || window.regions?.[label] !== undefined,
  );
}

function isOneLine({ startLine, endLine }: ScoredWindow): boolean {
  return startLine === endLine;
}

function* requests(texts: readonly string[], scores: readonly ScoredText[], model: LazyModel): Generator<Found> {
  for (const [i, score] of scores.entries()) {
    if (typeof score === "string") continue;
    const labels = new Map<ScoredWindow, number[]>();
    for (const [label, window] of foundLabels(score, model)) {
      if (!isOneLine(window) && !isAbsence(label, model)) labels.set(window, [...(labels.get(window) ?? []), label]);
    }
    if (labels.size === 0) continue;
    const text = unitsOf(texts[i]!);
    for (const [scored, own] of labels) yield { text, window: scored, labels: own, scored };
  }
}

function* absences(
  texts: readonly string[],
  scores: readonly ScoredText[],
  model: LazyModel,
): Generator<readonly [ScoredWindow, Record<number, Region>]> {
  for (const [i, score] of scores.entries()) {
    if (typeof score === "string") continue;
    const found = new Map<ScoredWindow, Record<number, Region>>();
    for (const [label, window] of foundLabels(score, model)) {
      if (!isAbsence(label, model)) continue;
      const { startLine, endLine } = window;
      const region = absenceRegion(unitsOf(texts[i]!), { startLine, endLine });
      found.set(window, { ...found.get(window), [label]: region });
    }
    yield* found;
  }
}

function isAbsence(label: number, { rules, labels }: LazyModel): boolean {
  return rules.get(labels[label]!)?.absence === true;
}

function kept({ startLine, endLine, by, line, drop }: Region): Region {
  const size = drop === undefined ? undefined : Math.round(drop * 1000) / 1000;
  return { startLine, endLine, by, ...(by !== "whole-text" && { line }), ...(size !== undefined && { drop: size }) };
}
