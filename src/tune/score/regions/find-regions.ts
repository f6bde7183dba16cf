/** Which lines of a text a label is about: shorter texts are scored as the text was, many in one pass. */
import type { ScoreTexts } from "./label-odds.ts";
import { type CandidateOdds, leftOut, planRegion, type RankedUnit, type RegionPlan, rankUnits } from "./plan-region.ts";
import type { LineRange, TextUnits } from "./text-units.ts";

export interface RegionRequest {
  readonly text: TextUnits;
  /** The lines of it that were scored. */
  readonly window: LineRange;
  /** Indices of the labels that they got. */
  readonly labels: readonly number[];
}

export interface LabelRegion extends LineRange {
  readonly label: number;
  /**
   * How it was found. `lines-left-out`: these lines raise the log-odds most. `rest-left-out`: the anchor gets the label also
   * when all else is left out, so it shows the risk, or the risk is that something is missing. `absence`: the anchor, of a
   * risk that is known to be something missing. `whole-text`: no line raises them, or there is no anchor.
   */
  readonly by: "lines-left-out" | "rest-left-out" | "absence" | "whole-text";
  /** The line of the region that says most; the first one where all were taken together. */
  readonly line: number;
  /** Log-odds of the label in the whole text. */
  readonly odds: number;
  /** By how much they fall when the region is left out; undefined where it was not asked. */
  readonly drop: number | undefined;
  /** Whether the label is still given without the region: then other lines show it too. */
  readonly standsWithout: boolean | undefined;
  /** Further lines that raise the log-odds, the most telling first. */
  readonly others: readonly RankedUnit[];
}

/** Of a label that no line can show, without asking anything: the anchor, or all that was scored. */
export function absenceRegion({ anchor }: TextUnits, window: LineRange): LineRange & Pick<LabelRegion, "by"> {
  return anchor === undefined ? { ...window, by: "whole-text" } : { ...anchor, by: "absence" };
}

export interface RegionOptions {
  /** Texts whose candidates are scored together; default 16. */
  readonly together?: number | undefined;
  /** The most beginnings of a text to ask about; default 64. See `MAX_UNSHARED_STEPS`. */
  readonly maxSteps?: number | undefined;
}

/** The most beginnings that it is worth asking about where each is computed on its own. */
export const MAX_UNSHARED_STEPS = 8;
/** Further lines that are told. */
const OTHERS = 3;

/** Regions of each request, in its labels' order. Only as many requests are held as are scored together. */
export async function* findRegions<T extends RegionRequest>(
  score: ScoreTexts,
  requests: Iterable<T> | AsyncIterable<T>,
  { together = 16, maxSteps = 64 }: RegionOptions = {},
): AsyncGenerator<readonly [request: T, regions: readonly LabelRegion[]]> {
  let batch: T[] = [];
  for await (const request of requests) {
    batch.push(request);
    if (batch.length < together) continue;
    yield* regionsOf(score, batch, maxSteps);
    batch = [];
  }
  yield* regionsOf(score, batch, maxSteps);
}

async function* regionsOf<T extends RegionRequest>(
  score: ScoreTexts,
  requests: readonly T[],
  maxSteps: number,
): AsyncGenerator<readonly [T, readonly LabelRegion[]]> {
  const plans = requests.map(({ text, window }) => planRegion(text, window, maxSteps));
  const asked = requests.flatMap(({ labels }, i) => plans[i]!.candidates.map((text) => ({ text, labels })));
  const scores = await score(asked);
  let at = 0;
  const found = requests.map(({ labels }, i) => {
    const plan = plans[i]!;
    const own = scores.slice(at, at + plan.candidates.length);
    at += own.length;
    return labels.map((label, place) =>
      regionOf(
        plan,
        label,
        own.map((all) => all && { odds: all.odds[place]!, given: all.given[place]! }),
      ),
    );
  });
  const open = found.flatMap((regions, i) =>
    regions.filter(({ by }) => by === "lines-left-out").map((region) => ({ region, ...requests[i]! })),
  );
  const without = await score(
    open.map(({ region, text, window }) => ({ text: leftOut(text, window, region), labels: [region.label] })),
  );
  const left = new Map(open.map(({ region }, i) => [region, without[i]]));
  for (const [i, request] of requests.entries()) {
    const regions = found[i]!.map((region): LabelRegion => {
      const scored = left.get(region);
      return scored ? { ...region, drop: region.odds - scored.odds[0]!, standsWithout: scored.given[0]! } : region;
    });
    yield [request, regions];
  }
}

function regionOf(plan: RegionPlan, label: number, scores: CandidateOdds): LabelRegion {
  const ranking = rankUnits(plan, scores);
  const odds = scores.at(-1)?.odds ?? Number.NaN;
  const rest = { label, odds, drop: undefined, standsWithout: undefined };
  if (ranking.by === "rest-left-out") {
    const { startLine, endLine } = ranking.anchor;
    return { ...rest, startLine, endLine, by: ranking.by, line: startLine, others: [] };
  }
  const [best, ...others] = ranking.units;
  if (best === undefined) {
    return { ...rest, ...plan.window, by: "whole-text", line: plan.window.startLine, others: [] };
  }
  const { startLine, endLine, line } = best;
  return { ...rest, startLine, endLine, by: ranking.by, line, others: others.slice(0, OTHERS) };
}
