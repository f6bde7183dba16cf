import { SEVERITIES } from "../../../base/taxonomy/taxonomy.ts";
import type { Finding, ScanResult } from "../scan-result.ts";
import { counted, cut, gravestFirst, oneLine, openFindings, placeText, rulesByLabel } from "./finding-text.ts";
import type { ScanFormat, Written } from "./format.ts";

/** A comment on GitHub has at most 65,536 characters, a job's summary a megabyte. */
const MAX_LENGTH = 60_000;
const MAX_PROBLEMS = 20;
/** Of one name or sentence. */
const MAX_TEXT = 400;

export const markdown: ScanFormat = {
  name: "markdown",
  summary: "a page for a job's summary or a comment, of at most 60,000 characters",
  write(result) {
    const findings = gravestFirst(openFindings(result));
    const before = `${[heading(result, findings), ...problemLines(result)].join("\n\n")}\n`;
    const after = `\n${advice(result, findings)}`;
    return table(result, findings, before, after);
  },
};

function heading(result: ScanResult, findings: readonly Finding[]): string {
  const { files, model } = result;
  const title = findings.length === 0 ? "nothing found" : counted(findings.length, "finding");
  const bySeverity = SEVERITIES.toReversed()
    .map((severity) => ({ severity, count: findings.filter((finding) => finding.severity === severity).length }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => `${count} ${severity}`);
  const suppressed = result.findings.length - findings.length;
  const facts = [
    ...bySeverity,
    ...(suppressed > 0 ? [`${suppressed} suppressed`] : []),
    `${counted(files.scored + files.cached, "file")} scanned by ${code(model.name)}`,
    ...(files.unchanged > 0 ? [`${files.unchanged} unchanged`] : []),
  ];
  return `### Fettle: ${title}\n\n${facts.join(" · ")}`;
}

function problemLines({ problems }: ScanResult): readonly string[] {
  if (problems.length === 0) return [];
  const shown = problems.toSorted((a, b) => Number(b.fatal) - Number(a.fatal)).slice(0, MAX_PROBLEMS);
  const lines = shown.map(
    ({ path, message }) => `- ${path === "" ? "" : `${code(cut(path, MAX_TEXT))}: `}${plain(cut(message, MAX_TEXT))}`,
  );
  const more = problems.length > shown.length ? [`- … and ${problems.length - shown.length} more`] : [];
  return [`**${counted(problems.length, "problem")}**\n\n${[...lines, ...more].join("\n")}`];
}

/** As many rows as fit. */
function table(result: ScanResult, findings: readonly Finding[], before: string, after: string): Written {
  if (findings.length === 0) return { text: before, notes: [] };
  const rules = rulesByLabel(result);
  const head = "\n| severity | where | what | probability |\n| --- | --- | --- | ---: |\n";
  const room = MAX_LENGTH - before.length - head.length - after.length - 100;
  let rows = "";
  let count = 0;
  for (const finding of findings) {
    const what = plain(cut(rules.get(finding.label)!.title, MAX_TEXT));
    const where = code(cut(placeText(finding), MAX_TEXT)).replaceAll("|", "\\|");
    const row = `| ${finding.severity} | ${where} | ${what} | ${finding.probability.toFixed(2)} |\n`;
    if (rows.length + row.length > room) break;
    rows += row;
    count++;
  }
  const left = findings.length - count;
  if (left === 0) return { text: before + head + rows + after, notes: [] };
  const note = `${counted(left, "more finding")} left out, the least grave ones`;
  return { text: `${before}${head}${rows}\n${note}\n${after}`, notes: [`markdown: ${note}`] };
}

/** What to do, once for every label that was found. */
function advice(result: ScanResult, findings: readonly Finding[]): string {
  const found = new Set(findings.map(({ label }) => label));
  const rules = result.model.rules.filter(({ label, fix }) => found.has(label) && fix !== "").slice(0, 50);
  return rules.map(({ title, fix }) => `- **${plain(cut(title, MAX_TEXT))}**: ${plain(cut(fix, MAX_TEXT))}\n`).join("");
}

/** Text without markup, tags, links or mentions; inside a line, so that marks of lists and headings need no care. */
function plain(text: string): string {
  return oneLine(text)
    .replace(/[&<>@]/g, (mark) => `&#${mark.charCodeAt(0)};`)
    .replace(/[\\`*_[\]|~$]/g, "\\$&")
    .replace(/(https?|www)([:.])/gi, "$1&#8203;$2");
}

/** A code span (CommonMark 6.1) of any text. */
function code(text: string): string {
  const line = oneLine(text);
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  const space = longest > 0 || line.trim() !== line ? " " : "";
  return `${fence}${space}${line}${space}${fence}`;
}
