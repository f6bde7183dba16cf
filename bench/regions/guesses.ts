/** What is compared: the model's regions, leaving out each unit in turn, and guesses without a model. */
import type { LabelRegion, RegionRequest } from "../../src/tune/score/regions/find-regions.ts";
import type { ScoreTexts } from "../../src/tune/score/regions/label-odds.ts";
import { leftOut } from "../../src/tune/score/regions/plan-region.ts";
import type { LineRange, TextUnits } from "../../src/tune/score/regions/text-units.ts";
import type { Guess } from "./judge.ts";

export function guessOf({ startLine, endLine, line, others }: LabelRegion): Guess {
  return { regions: [{ startLine, endLine }, ...others], line };
}

/** Per label: the window's units in the order of how far the log-odds fall without them. */
export async function leaveOneOut(
  score: ScoreTexts,
  { text, window, labels }: RegionRequest,
): Promise<readonly Guess[]> {
  const all = allUnits(text).filter((unit) => window.startLine <= unit.endLine && unit.startLine <= window.endLine);
  const scores = await score(all.map((unit) => ({ text: leftOut(text, window, unit), labels })));
  return labels.map((_, place) => {
    const odds = all.map((unit, i) => ({ unit, odds: scores[i]?.odds[place] ?? Number.POSITIVE_INFINITY }));
    const regions = odds.sort((a, b) => a.odds - b.odds).map(({ unit }) => unit);
    return { regions, line: regions[0]!.startLine };
  });
}

export const guesses: Readonly<Record<string, (units: TextUnits) => Guess>> = {
  "the first RUN": (units) => inOrder(units, (line) => /^\s*RUN\s/i.test(line)),
  "the last FROM": (units) => inOrder(units, (_, at) => at === units.anchor?.startLine),
  "the longest instruction": (units) => {
    const size = ({ startLine, endLine }: LineRange): number => endLine - startLine;
    const regions = allUnits(units).sort((a, b) => size(b) - size(a));
    return { regions, line: regions[0]!.startLine };
  },
  "the whole file": ({ lines }) => ({ regions: [{ startLine: 1, endLine: lines.length }], line: 1 }),
};

/** Share of findings that an instruction, or a line, drawn at random would hit. */
export function chance(units: TextUnits, known: readonly number[]): { readonly region: number; readonly line: number } {
  const all = allUnits(units);
  const holding = all.filter((unit) => known.some((line) => unit.startLine <= line && line <= unit.endLine));
  const said = units.lines.filter((line) => line.trim() !== "");
  return { region: holding.length / all.length, line: known.length / said.length };
}

function allUnits({ units, anchor }: TextUnits): LineRange[] {
  return [...(anchor ? [anchor] : []), ...units].sort((a, b) => a.startLine - b.startLine);
}

/** Those instructions first whose first line is as wanted. */
function inOrder(units: TextUnits, wanted: (line: string, at: number) => boolean): Guess {
  const all = allUnits(units);
  const is = ({ startLine }: LineRange): boolean => wanted(units.lines[startLine - 1]!, startLine);
  const regions = [...all.filter(is), ...all.filter((unit) => !is(unit))];
  return { regions, line: regions[0]!.startLine };
}
