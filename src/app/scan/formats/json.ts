import { SEVERITIES } from "../../../base/taxonomy/taxonomy.ts";
import type { ScanResult } from "../scan-result.ts";
import { openFindings } from "./finding-text.ts";
import type { ScanFormat } from "./format.ts";

export const json: ScanFormat = {
  name: "json",
  summary: "everything there is, for programs",
  write: (result) => ({ text: `${stringify(scanObject(result))}\n`, notes: [] }),
};

/** What `--format json` and `--json` print. */
export function scanObject(result: ScanResult): object {
  const open = openFindings(result);
  const bySeverity = SEVERITIES.toReversed().map((severity) => [
    severity,
    open.filter((finding) => finding.severity === severity).length,
  ]);
  const { version, ...rest } = result;
  const summary = {
    findings: open.length,
    suppressed: result.findings.length - open.length,
    ...Object.fromEntries(bySeverity),
    complete: !result.problems.some(({ fatal }) => fatal),
  };
  return { kind: "scan", format: 1, fettle: version, summary, ...rest };
}

/**
 * JSON that every program reads and a terminal can be shown: halves of characters, which are no Unicode, are replaced, and
 * C1 controls, which `JSON.stringify` leaves as they are, become escapes as well.
 */
export function stringify(value: unknown, indent = 2): string {
  const whole = (_: string, part: unknown): unknown =>
    typeof part === "string" ? part.replace(/\p{Cs}/gu, "\ufffd") : part;
  return JSON.stringify(value, whole, indent).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
