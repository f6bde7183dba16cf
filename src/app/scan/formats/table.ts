/** A scan's result for people. */
import { createColors } from "picocolors";
import { SEVERITIES, type Severity } from "../../../base/taxonomy/taxonomy.ts";
import { formatCount, formatDuration, formatPercent } from "../../report/format.ts";
import type { Finding, ScanProblem, ScanResult } from "../scan-result.ts";
import { openFindings } from "./finding-text.ts";
import type { ScanFormat } from "./format.ts";

type Colors = ReturnType<typeof createColors>;

/** Problems that are told one by one. */
const PROBLEMS_SHOWN = 20;

export const table: ScanFormat = {
  name: "table",
  summary: "by file, for people",
  write: (result) => ({ text: `${scanTable(result, false)}\n`, notes: [] }),
};

/** By file, then what was not scanned, then the sum. @param colored for a terminal */
export function scanTable(result: ScanResult, colored: boolean): string {
  const colors = createColors(colored);
  const findings = openFindings(result);
  const blocks = [...byFile(findings)].map(([path, own]) => fileBlock(path, own, result, colors));
  return [...blocks, ...problemsBlock(result.problems, colors), summary(result, findings, colors)].join("\n\n");
}

function byFile(findings: readonly Finding[]): Map<string, Finding[]> {
  const files = new Map<string, Finding[]>();
  for (const finding of findings) {
    const own = files.get(finding.path);
    if (own) own.push(finding);
    else files.set(finding.path, [finding]);
  }
  return files;
}

function fileBlock(path: string, findings: readonly Finding[], { model }: ScanResult, colors: Colors): string {
  const titles = new Map(model.rules.map(({ label, title }) => [label, title]));
  const cells = findings.map(({ region, severity, label, probability, unit }) => ({
    place: region.startLine === region.endLine ? `${region.startLine}` : `${region.startLine}-${region.endLine}`,
    severity,
    title: printable(`${titles.get(label) ?? label}${unit === undefined ? "" : ` in ${unit}`}`),
    label: titles.get(label) === label ? "" : printable(label),
    probability: formatPercent(probability),
  }));
  const width = (key: keyof (typeof cells)[number]): number => Math.max(...cells.map((cell) => cell[key].length));
  const [placeWidth, severityWidth, titleWidth] = [width("place"), width("severity"), width("title")];
  const lines = cells.map(({ place, severity, title, label, probability }) =>
    [
      colors.dim(place.padStart(placeWidth)),
      painted(severity, severity.padEnd(severityWidth), colors),
      title.padEnd(titleWidth),
      probability.padStart(7),
      colors.dim(label),
    ]
      .join("  ")
      .trimEnd(),
  );
  return [colors.underline(printable(path)), ...lines.map((line) => `  ${line}`)].join("\n");
}

function problemsBlock(problems: readonly ScanProblem[], { red, yellow, dim }: Colors): string[] {
  if (problems.length === 0) return [];
  const graver = problems.toSorted((a, b) => Number(b.fatal) - Number(a.fatal));
  const lines = graver
    .slice(0, PROBLEMS_SHOWN)
    .map(
      ({ path, message, fatal }) =>
        `${fatal ? red("error") : yellow("note ")}  ${printable(path || ".")}: ${printable(message)}`,
    );
  const more = problems.length - lines.length;
  return [
    [...lines, ...(more > 0 ? [dim(`and ${formatCount(more)} more: --format json lists them all`)] : [])].join("\n"),
  ];
}

function summary(
  { files, problems, seconds, findings: all }: ScanResult,
  findings: readonly Finding[],
  colors: Colors,
): string {
  const told = bySeverity(findings).map(([severity, count]) =>
    painted(severity, `${formatCount(count)} ${severity}`, colors),
  );
  const fatal = problems.filter((problem) => problem.fatal).length;
  const parts = [
    `${formatCount(files.found)} ${files.found === 1 ? "file" : "files"}`,
    ...(files.scored > 0 ? [`${formatCount(files.scored)} scored`] : []),
    ...(files.cached > 0 ? [`${formatCount(files.cached)} from the cache`] : []),
    ...(files.unchanged > 0 ? [`${formatCount(files.unchanged)} unchanged`] : []),
    ...(files.empty > 0 ? [`${formatCount(files.empty)} empty`] : []),
    ...(fatal > 0 ? [colors.red(`${formatCount(fatal)} not scanned`)] : []),
    formatDuration(seconds),
  ];
  const hidden = all.length - findings.length;
  const found =
    told.length === 0 ? colors.green("nothing found") : `${formatCount(findings.length)} found: ${told.join(", ")}`;
  return `${colors.bold(found)}${hidden > 0 ? colors.dim(` (${formatCount(hidden)} ignored or known before)`) : ""}\n${colors.dim(parts.join(", "))}`;
}

/** How many there are of each severity, the gravest first; none of those that there are none of. */
function bySeverity(findings: readonly Finding[]): (readonly [Severity, number])[] {
  return SEVERITIES.toReversed()
    .map((severity) => [severity, findings.filter((finding) => finding.severity === severity).length] as const)
    .filter(([, count]) => count > 0);
}

function painted(severity: Severity, text: string, { red, yellow, blue, bold }: Colors): string {
  const paint = { critical: (word: string) => bold(red(word)), high: red, medium: yellow, low: blue }[severity];
  return paint(text);
}

/** Names of files must not be able to steer the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "\ufffd");
}
