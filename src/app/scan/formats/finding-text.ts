/** How findings are worded, the same in every format. */
import { SEVERITIES, type Severity } from "../../../base/taxonomy/taxonomy.ts";
import type { ScanRule } from "../../../tune/train/scan-settings.ts";
import type { Finding, ScanResult } from "../scan-result.ts";

/** Longer lines are data, not something that a person reads beside a finding. */
const MAX_LINE = 400;

/** A label's rule; findings have no label without one. */
export function rulesByLabel(result: ScanResult): ReadonlyMap<string, ScanRule> {
  return new Map(result.model.rules.map((rule) => [rule.label, rule]));
}

/** `Runs as root: probability 0.93, a finding from 0.50 on`. One line. */
export function findingText(finding: Finding, rule: ScanRule): string {
  const { probability, threshold, unit } = finding;
  const where = unit === undefined ? "" : ` in ${unit}`;
  const from = threshold === null ? "the most probable label" : `a finding from ${threshold.toFixed(2)} on`;
  return oneLine(`${rule.title}${where}: probability ${probability.toFixed(2)}, ${from}`);
}

/** `Dockerfile:3` or `Dockerfile:3-9`. */
export function placeText({ path, region }: Finding): string {
  const end = region.endLine === region.startLine ? "" : `-${region.endLine}`;
  return oneLine(`${path}:${region.startLine}${end}`);
}

/** The lines of a finding as a person may see them, each bounded. */
export function snippetLines({ snippet }: Finding): readonly string[] {
  const lines = snippet.replace(/\r?\n$/, "").split(/\r\n|\r|\n/);
  return lines.map((line) => oneLine(cut(line, MAX_LINE).replaceAll("\t", "  ")));
}

/** At most that many characters, the last an ellipsis where there are more. */
export function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Text without what could steer a terminal, break a line, or show it in another order (CVE-2021-42574). */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, "\ufffd");
}

/** From the gravest; equal ones by probability, then as they were. */
export function gravestFirst(findings: readonly Finding[]): Finding[] {
  return findings.toSorted(
    (a, b) => severityRank(b.severity) - severityRank(a.severity) || b.probability - a.probability,
  );
}

/** 0 for low, 3 for critical. */
export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

/** Those that count. */
export function openFindings(result: ScanResult): Finding[] {
  return result.findings.filter(({ suppressed }) => suppressed === undefined);
}

/** `3 findings`, `1 file`. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
