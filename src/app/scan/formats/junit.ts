/** JUnit's XML as Jenkins' xunit plugin defines it (junit-10.xsd); GitLab, Azure and others read the same. */
import type { Finding, ScanProblem, ScanResult } from "../scan-result.ts";
import {
  counted,
  findingText,
  gravestFirst,
  oneLine,
  openFindings,
  placeText,
  rulesByLabel,
  snippetLines,
} from "./finding-text.ts";
import type { ScanFormat } from "./format.ts";
import { xmlAttributes, xmlText } from "./xml.ts";

export const junit: ScanFormat = {
  name: "junit",
  summary: "JUnit's XML: a failed test for every file with findings",
  write: (result) => ({ text: document(result), notes: [] }),
};

function document(result: ScanResult): string {
  const files = new Map<string, Finding[]>();
  for (const finding of result.findings) files.set(finding.path, [...(files.get(finding.path) ?? []), finding]);
  const failed = [...files].filter(([, findings]) => findings.some(({ suppressed }) => !suppressed));
  const skipped = [...files].filter(([, findings]) => findings.every(({ suppressed }) => suppressed));
  const errors = result.problems.filter(({ fatal }) => fatal);
  const cases = [
    ...failed.map(([path, findings]) => failedCase(path, findings, result)),
    ...skipped.map(([path, findings]) => skippedCase(path, findings)),
    ...errors.map(errorCase),
    // Readers take a report without a single test for a mistake.
    ...(failed.length + skipped.length + errors.length === 0
      ? [testCase(`all ${counted(filesOf(result), "file")}`, "")]
      : []),
  ];
  const counts = { tests: cases.length, failures: failed.length, errors: errors.length };
  const time = result.seconds.toFixed(3);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${xmlAttributes({ name: "fettle scan", time, ...counts })}>`,
    `<testsuite${xmlAttributes({ name: oneLine(result.model.name), ...counts, skipped: skipped.length, time })}>`,
    `<properties>${properties(result)}</properties>`,
    ...cases,
    ...warnings(result.problems),
    "</testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function properties(result: ScanResult): string {
  const { files, model, version } = result;
  const values = {
    "fettle.version": version,
    "model.fingerprint": model.fingerprint,
    "files.found": files.found,
    "files.scored": files.scored,
    "files.cached": files.cached,
    "files.unchanged": files.unchanged,
    findings: openFindings(result).length,
  };
  return Object.entries(values)
    .map(([name, value]) => `<property${xmlAttributes({ name, value })}/>`)
    .join("");
}

function testCase(name: string, inside: string): string {
  const attributes = xmlAttributes({ name: oneLine(name), classname: "fettle.scan", time: "0" });
  return inside === "" ? `<testcase${attributes}/>` : `<testcase${attributes}>${inside}</testcase>`;
}

function failedCase(path: string, findings: readonly Finding[], result: ScanResult): string {
  const rules = rulesByLabel(result);
  const open = gravestFirst(findings.filter(({ suppressed }) => !suppressed));
  const body = open.map((finding) => {
    const rule = rules.get(finding.label)!;
    const lines = [
      `${placeText(finding)} ${finding.severity} ${oneLine(finding.label)}: ${findingText(finding, rule)}`,
    ];
    if (rule.fix !== "") lines.push(`  ${oneLine(rule.fix)}`);
    return [...lines, ...snippetLines(finding).map((line) => `    ${line}`)].join("\n");
  });
  const gravest = open[0]!;
  const message = `${counted(open.length, "finding")}, the gravest ${gravest.severity}: ${oneLine(gravest.label)}`;
  const attributes = xmlAttributes({ type: gravest.severity, message });
  return testCase(path, `<failure${attributes}>${xmlText(`\n${body.join("\n\n")}\n`)}</failure>`);
}

function skippedCase(path: string, findings: readonly Finding[]): string {
  const reasons = findings.map(({ label, suppressed }) => `${label} (${suppressed!.by}): ${suppressed!.reason}`);
  return testCase(path, `<skipped${xmlAttributes({ message: oneLine(reasons.join("; ")) })}/>`);
}

function errorCase({ path, message }: ScanProblem): string {
  const attributes = xmlAttributes({ type: "not scanned", message: oneLine(message) });
  return testCase(path === "" ? "the scan" : path, `<error${attributes}/>`);
}

function warnings(problems: readonly ScanProblem[]): readonly string[] {
  const lines = problems.filter(({ fatal }) => !fatal).map(({ path, message }) => oneLine(`${path}: ${message}`));
  return lines.length === 0 ? [] : [`<system-err>${xmlText(lines.join("\n"))}</system-err>`];
}

function filesOf({ files }: ScanResult): number {
  return files.scored + files.cached + files.unchanged;
}
