import type { LineRange } from "../git/diff-reader.ts";
import type { Finding } from "../scan-result.ts";

/**
 * Whether a finding of a changed file is one of the change. One of some lines is, where a changed line is among them; and
 * any is, where the file (or function) did not have the label before: a line that was taken out can be the reason.
 * @param changed lines of the file
 * @param before what is found in the file as it was
 */
export function isOfChange(finding: Finding, changed: readonly LineRange[], before: readonly Finding[]): boolean {
  const { startLine, endLine, by } = finding.region;
  const isTouched = changed.some(({ start, end }) => start <= endLine && end >= startLine);
  if (by === "lines-left-out" && isTouched) return true;
  return !before.some(({ label, unit }) => label === finding.label && unit === finding.unit);
}
