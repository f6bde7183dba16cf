/** What a comparison with tools says, in sentences. */
import type {
  AlertPair,
  MatchedPair,
  PairDifference,
  ToolComparison,
} from "../../tune/evaluate/compare/alerts/alert-comparison.ts";
import type { Estimate } from "../../tune/evaluate/compare/estimate.ts";
import { formatP } from "./comparison-words.ts";
import { formatChange, formatCount, formatPercent, formatPoints } from "./format.ts";

/**
 * Who is right more often: `dk is right more often than hadolint, by 5.9 points of accuracy (95 % interval 3.3 to 8.7; sign-flip
 * p = 0.0002, Holm 0.0018): the difference is real at the 5 % level`, or that the rows do not say.
 */
export function describePairOfAlerts({ model, tool, overall }: AlertPair): string {
  return describeLead(model, tool, overall);
}

/** The same on the labels that the tool has rules for; undefined where these are all, or none. */
export function describeCovered({ model, tool, covered }: AlertPair, facts: ToolComparison): string | undefined {
  if (covered === null) return undefined;
  const { length } = facts.subjects.find(({ kind, name }) => kind === "tool" && name === tool)!.covers!;
  return `On the ${length} of ${facts.labels.length} classes that ${tool} has rules for, ${describeLead(model, tool, covered)}`;
}

function describeLead(model: string, tool: string, { differences, verdict, ...test }: PairDifference): string {
  const { value, interval } = differences.accuracy;
  const modelLeads = (value ?? 0) >= 0;
  const [first, second] = modelLeads ? [model, tool] : [tool, model];
  const ends = interval && (modelLeads ? interval : [-interval[1], -interval[0]]);
  const range = ends ? `95 % interval ${ends.map(formatChange).join(" to ").replaceAll("+", "")}; ` : "";
  const evidence = `(${range}${test.test} p = ${formatP(test.pValue)}, Holm ${formatP(test.adjusted)})`.replaceAll(
    "= <",
    "<",
  );
  const lead = `${formatPoints(Math.abs(value ?? 0))} points of accuracy`;
  if (verdict !== "undecided") {
    return `${first} is right more often than ${second}, by ${lead} ${evidence}: the difference is real at the 5 % level`;
  }
  return `${model} and ${tool} cannot be told apart: ${first} is ahead by ${lead} ${evidence}`;
}

/** What the model finds at the tool's precision; undefined where it cannot be said. */
export function describeAtPrecision({ model, tool, atPrecision }: AlertPair): string | undefined {
  if (atPrecision === null) return undefined;
  const { overall, chosenOn } = atPrecision;
  if (overall.model === null) {
    return overall.tool.alerts === 0
      ? `${tool} raises no alert: it has no precision to be matched`
      : `No threshold gives ${model} the precision of ${tool}${chosenOn === "validation rows" ? " on validation rows" : ""}`;
  }
  const own = `${model} has precision ${shareOf(overall.model.precision)} and recall ${shareOf(overall.model.recall)}`;
  const others = `${tool} ${shareOf(overall.tool.precision)} and ${shareOf(overall.tool.recall)}`;
  return `At the precision of ${tool}, ${CHOSEN_ON[chosenOn]}: ${own}, ${others} (recall ${differenceOf(overall.recall)})`;
}

/** What the model's alerts are worth if it raises as many as the tool; undefined where it cannot be said. */
export function describeAtAlerts({ model, tool, atAlerts }: AlertPair): string | undefined {
  const { overall } = atAlerts ?? {};
  if (!overall?.model) return undefined;
  const own = `${model} has precision ${shareOf(overall.model.precision)} and recall ${shareOf(overall.model.recall)}`;
  const others = `${tool} ${shareOf(overall.tool.precision)} and ${shareOf(overall.tool.recall)}`;
  const count = formatCount(overall.model.alerts);
  return `With as many alerts as ${tool} (${count} for ${formatCount(overall.tool.alerts)}): ${own}, ${others}`;
}

/** What thresholds were chosen on. */
export const CHOSEN_ON: Readonly<Record<MatchedPair["chosenOn"], string>> = {
  "judged rows": "with thresholds chosen on these very rows, which flatters the model",
  "validation rows": "with thresholds chosen on validation rows, so that it is met there and not exactly here",
  alerts: "with thresholds for which the truth is not looked at",
};

/** `+22.9 points, 95 % interval +15.0 to +30.1`. */
function differenceOf({ value, interval }: Estimate): string {
  if (value === null) return "–";
  const ends = interval === null ? "" : `, 95 % interval ${interval.map(formatChange).join(" to ")}`;
  return `${formatChange(value)} points${ends}`;
}

/** `72.7 %`, or `–` where it is not defined. */
function shareOf({ value }: Estimate): string {
  return value === null ? "–" : formatPercent(value);
}

/** `72.7`, or `–` where it is not defined. */
export function pointsOf({ value }: Estimate): string {
  return value === null ? "–" : formatPoints(value);
}

/** `hadolint 2.15.1: rules for 9 of 10 classes; 1 file not read`. */
export function describeTool({ tools, subjects, labels }: ToolComparison, tool: string): string {
  const { name, version, unread, unknownRules } = tools.find((one) => one.name === tool)!;
  const { covers } = subjects.find((subject) => subject.kind === "tool" && subject.name === tool)!;
  return [
    `${name} ${version}: rules for ${covers!.length} of ${labels.length} classes`,
    ...(unread > 0
      ? [`${formatCount(unread)} ${unread === 1 ? "file" : "files"} that it cannot read count as silence`]
      : []),
    ...(unknownRules > 0
      ? [
          unknownRules === 1
            ? "1 rule of its findings is in no class"
            : `${unknownRules} rules of its findings are in no class`,
        ]
      : []),
  ].join("; ");
}
