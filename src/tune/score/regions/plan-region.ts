/**
 * Which shorter texts to ask a classifier about to know which lines a label is about, and what its answers say. Pure.
 *
 * Two kinds are asked, in one go. The text up to each unit, all later ones left out: by how much a unit raises the log-odds
 * where it stands. And each line with the anchor, all others left out: by how much it raises them on its own. The former are
 * beginnings of the whole text, whose states a causal model has computed for it already; the latter are short and begin alike.
 * So all of them together cost about one more reading of the text, where leaving out each unit in turn would cost half a
 * reading for each.
 */
import { type LineRange, type TextUnit, type TextUnits, textOf } from "./text-units.ts";

export interface RegionPlan {
  /** What to ask, in an order in which common beginnings stand side by side; the whole window is the last. */
  readonly candidates: readonly string[];
  readonly window: LineRange;
  /** Those of which the window has lines that say something, with these alone. */
  readonly units: readonly TextUnit[];
  readonly anchor: LineRange | undefined;
  /** Per unit: indices of the candidates that end before it, and with it or with the units that share its step. */
  readonly steps: readonly (readonly [before: number | undefined, after: number])[];
  /** Per unit: for each of its lines, the index of the candidate of that line and the anchor. */
  readonly alone: readonly (readonly number[])[];
  /** Index of the candidate that is the anchor and nothing else. */
  readonly anchorAlone: number | undefined;
}

/**
 * @param text of which a window was scored @param window its lines; the anchor may be outside
 * @param maxSteps the most beginnings of the window to ask about: with more units than that, neighbours share one
 */
export function planRegion(text: TextUnits, window: LineRange, maxSteps: number): RegionPlan {
  const { lines, anchor } = text;
  const units = within(text.units, window);
  const candidates: string[] = [];
  const ask = (candidate: string): number | undefined =>
    candidate.trim() === "" ? undefined : candidates.push(candidate) - 1;

  const before = anchor === undefined ? "" : ended(textOf(lines, anchor));
  const anchorAlone = ask(before);
  const alone = units.map(({ parts }) => parts.map((part) => ask(before + part.alone)!));

  const size = stepSize(units.length, maxSteps);
  const steps: (readonly [number | undefined, number])[] = [];
  const atLine = new Map<number, number | undefined>();
  const upTo = (endLine: number): number | undefined => {
    if (!atLine.has(endLine)) atLine.set(endLine, ask(textOf(lines, { startLine: window.startLine, endLine })));
    return atLine.get(endLine);
  };
  for (let first = 0; first < units.length; first += size) {
    const block = units.slice(first, first + size);
    const begin = Math.max(block[0]!.startLine, window.startLine);
    const step = [upTo(begin - 1), upTo(Math.min(block.at(-1)!.endLine, window.endLine))!] as const;
    for (const _ of block) steps.push(step);
  }
  upTo(window.endLine);
  return { candidates, window, units, anchor, steps, alone, anchorAlone };
}

function within(units: readonly TextUnit[], { startLine, endLine }: LineRange): TextUnit[] {
  return units.flatMap((unit) => {
    const parts = unit.parts.filter(({ line }) => startLine <= line && line <= endLine);
    return parts.length === 0 ? [] : { ...unit, parts };
  });
}

function ended(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** By halving the number of steps until they are few enough. */
function stepSize(units: number, maxSteps: number): number {
  let size = 1;
  while (units / size > maxSteps) size *= 2;
  return size;
}

/** A label's log-odds of each candidate and whether it would be given; undefined where it could not be scored. */
export type CandidateOdds = readonly ({ readonly odds: number; readonly given: boolean } | undefined)[];

export interface RankedUnit extends LineRange {
  /** The line that says most on its own. */
  readonly line: number;
  /** By how much it raises the log-odds, where it stands and by its best line on its own, together. */
  readonly evidence: number;
}

export type Ranking =
  /** The anchor says as much on its own as is needed: it shows the risk, or the risk is that something is missing. */
  | { readonly by: "rest-left-out"; readonly anchor: LineRange; readonly odds: number }
  /** Units that raise the log-odds, the most telling first; without any it is the whole text. */
  | { readonly by: "lines-left-out"; readonly units: readonly RankedUnit[] };

/** Where a label that the text got is to be found. */
export function rankUnits(plan: RegionPlan, scores: CandidateOdds): Ranking {
  const oddsOf = (candidate: number | undefined): number | undefined =>
    candidate === undefined ? undefined : scores[candidate]?.odds;
  const whole = scores.at(-1);
  const anchor = plan.anchorAlone === undefined ? undefined : scores[plan.anchorAlone];
  if (plan.anchor && anchor && (anchor.given || anchor.odds >= (whole?.odds ?? Number.POSITIVE_INFINITY))) {
    return { by: "rest-left-out", anchor: plan.anchor, odds: anchor.odds };
  }
  const lone = plan.alone.flat().flatMap((candidate) => oddsOf(candidate) ?? []);
  const ground = anchor?.odds ?? median(lone);
  const units = plan.units.flatMap((unit, i): RankedUnit[] => {
    const best = bestLine(
      unit,
      plan.alone[i]!.map((candidate) => oddsOf(candidate)),
    );
    if (best === undefined) return [];
    const [before, after] = plan.steps[i]!.map((candidate) => oddsOf(candidate));
    const rise = before === undefined || after === undefined ? 0 : after - before;
    const { startLine, endLine } = unit;
    return [{ startLine, endLine, line: best.line, evidence: rise + best.odds - ground }];
  });
  const telling = units.filter(({ evidence }) => evidence > 0);
  return { by: "lines-left-out", units: telling.sort((a, b) => b.evidence - a.evidence) };
}

function bestLine(
  { parts }: TextUnit,
  odds: readonly (number | undefined)[],
): { readonly line: number; readonly odds: number } | undefined {
  const scored = parts.flatMap(({ line }, i) => (odds[i] === undefined ? [] : [{ line, odds: odds[i] }]));
  return scored.reduce<(typeof scored)[number] | undefined>(
    (best, own) => (best === undefined || own.odds > best.odds ? own : best),
    undefined,
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** The lines of a window without those of a range. */
export function leftOut({ lines }: TextUnits, window: LineRange, { startLine, endLine }: LineRange): string {
  return lines
    .slice(window.startLine - 1, window.endLine)
    .filter((_, i) => i + window.startLine < startLine || i + window.startLine > endLine)
    .join("");
}
