import type { Duplicates } from "../../tune/data/stats/duplicates.ts";
import type { Lengths } from "../../tune/data/stats/lengths.ts";
import type { SetStats, TokenStats } from "../inspect/data-stats.ts";
import { formatCount, formatPercent } from "../report/format.ts";
import { histogramLines } from "./histogram-lines.ts";
import { printable } from "./printable.ts";
import type { Terminal } from "./terminal.ts";

const MAX_LISTED = 20;
const MAX_PROBLEMS = 12;

/** What a set is made of, for people. */
export function statsLines(stats: SetStats, { colors }: Pick<Terminal, "colors">): string[] {
  const { bold, yellow } = colors;
  const head = `${stats.name}: ${formatCount(stats.rows)} rows, ${formatCount(stats.skipped)} skipped`;
  return [
    bold(printable(`${head} (${stats.formats.join(", ")}; ${stats.files.join(", ")})`)),
    line(`  rows are ${stats.shape ?? "of no known shape"}: ${stats.shapeReason}`),
    `  fields: ${listed(stats.fields)}`,
    ...(stats.labels === null ? [] : labelLines(stats.labels)),
    ...(stats.tokens === null ? characterLines(stats.characters) : tokenLines(stats.tokens)),
    ...duplicateLines(stats.duplicates),
    ...stats.problems.slice(0, MAX_PROBLEMS).map(({ reason, count, skipped, examples }) => {
      const { where, detail } = examples[0]!;
      const first = `first ${where}${detail === "" ? "" : ` (${detail})`}`;
      return yellow(line(`  ${formatCount(count)} ${skipped ? "skipped" : "changed"}: ${reason}, ${first}`));
    }),
    "",
  ];
}

function labelLines(labels: Readonly<Record<string, number>>): string[] {
  const entries = Object.entries(labels);
  const total = entries.reduce((sum, [, count]) => sum + count, 0);
  const shown = entries.toSorted(([, a], [, b]) => b - a).slice(0, MAX_LISTED);
  const names = shown.map(([name]) => line(name));
  const width = Math.min(40, Math.max(...names.map((name) => name.length)));
  const most = formatCount(shown[0]![1]).length;
  return [
    `  ${formatCount(entries.length)} labels`,
    ...shown.map(([, count], i) => {
      const share = formatPercent(count / total).padStart(7);
      return `    ${names[i]!.slice(0, width).padEnd(width)}  ${formatCount(count).padStart(most)} ${share}`;
    }),
    ...(entries.length > MAX_LISTED ? [`    … and ${formatCount(entries.length - MAX_LISTED)} more`] : []),
  ];
}

function characterLines(characters: Lengths | null): string[] {
  if (characters === null) return [];
  return [
    `  characters of a row: ${percentilesOf(characters)}`,
    ...histogramLines(characters, "    "),
    "  for tokens, name what reads them: --model MODEL or --recipe RECIPE",
  ];
}

function tokenLines(tokens: TokenStats): string[] {
  const { lengths, supervised, maxLength, cut, tooLong, longerThan, prefix, packing, sampled } = tokens;
  const longer = Object.entries(longerThan).map(([length, count]) => `${formatCount(count)} over ${length}`);
  const sample = sampled < lengths.rows ? ` (from ${formatCount(sampled)} of them)` : "";
  return [
    `  tokens of a row: ${percentilesOf(lengths)}; ${formatCount(lengths.total)} in all, ${formatCount(supervised)} learnt`,
    ...histogramLines(lengths, "    "),
    `  of ${formatCount(lengths.rows)}: ${longer.join(", ")}; at max_length ${maxLength} ` +
      `${formatCount(cut)} are cut, ${formatCount(tooLong)} left out`,
    `  all begin with the same ${formatCount(prefix.all)} tokens, 9 of 10 with ${formatCount(prefix.usual)}${sample}`,
    `  in packs of up to ${formatCount(packing.maxTokens)} tokens, ${formatPercent(packing.saved)} need not be computed: ` +
      `${formatCount(packing.tokensComputed)} of ${formatCount(packing.tokens)}${sample}`,
  ];
}

function percentilesOf({ mean, percentiles: { p0, p50, p95, p99, p100 } }: Lengths): string {
  const [least, median, p, q, most] = [p0, p50, p95, p99, p100].map(formatCount);
  return `${least} to ${most}, mean ${formatCount(mean)}, median ${median}, 95 % up to ${p}, 99 % up to ${q}`;
}

function duplicateLines({
  repeated,
  conflicting,
  conflicts,
  repeatedExamples,
  conflictExamples,
}: Duplicates): string[] {
  const first = (places: readonly (readonly string[])[]): string =>
    places[0] === undefined ? "" : `, such as ${line(places[0].join(" and "))}`;
  return [
    `  ${repeated === 0 ? "no row says again what another says" : `${formatCount(repeated)} rows say again what another says${first(repeatedExamples)}`}`,
    ...(conflicts === 0
      ? []
      : [
          `  ${formatCount(conflicting)} rows ask the same as others and answer differently, ${formatCount(conflicts)} question${conflicts === 1 ? "" : "s"} in all${first(conflictExamples)}`,
        ]),
  ];
}

function listed(fields: Readonly<Record<string, number>>): string {
  const entries = Object.entries(fields);
  const shown = entries.slice(0, MAX_LISTED).map(([name, count]) => `${name} (${formatCount(count)})`);
  return line(shown.join(", ")) + (entries.length > MAX_LISTED ? `, … (${entries.length})` : "");
}

/** Text from files on one line. */
function line(text: string): string {
  return printable(text).replaceAll("\n", " ");
}
