/** Results of scans that never ran, for tests. */
import type { ScanRule } from "../../tune/train/scan-settings.ts";
import type { Finding, ScanProblem, ScanResult } from "./scan-result.ts";

export const rules: readonly ScanRule[] = [
  {
    label: "runs-as-root",
    title: "Runs as root",
    description: "The last user of the image is root.",
    fix: "End with USER and a user without rights.",
    severity: "high",
    cwe: ["CWE-250"],
  },
  {
    label: "unpinned base",
    title: "Base image is not pinned",
    description: "",
    fix: "",
    severity: "low",
    cwe: [],
  },
];

/** Such as break readers that put text together: line ends, quotes, markup, escapes, separators, half a character. */
export const hostileTexts: readonly string[] = [
  "two\nlines\r\nand\rmore",
  "quotes \"double\" 'single' `back` ```fence```",
  "percent %0A %25 100%",
  "a,b:c=d;e::error file=x::f",
  "\n::set-output name=x::y",
  "<script>alert(1)</script> & ]]> <!-- -->",
  "| pipe | [link](javascript:x) ![i](http://x) @everyone #1 https://evil.example",
  "\u001b[31mred\u001b]8;;http://x\u0007 \u009b2J \u0000 \u0008 \u007f",
  "\ud800 alone \udfff",
  "\u202eright to left\u2028\u2029",
  "\ufffe\uffff 日本語 🦄 ünïcödé",
  "C:\\windows\\path",
  " blanks ",
  "-rf --output=/x",
  "../../etc/passwd",
];

export function finding(over: Partial<Finding> = {}): Finding {
  return {
    path: "docker/Dockerfile",
    label: "runs-as-root",
    severity: "high",
    probability: 0.93,
    threshold: 0.5,
    region: { startLine: 3, endLine: 4, by: "lines-left-out" },
    snippet: "USER root\nCMD run\n",
    fingerprint: "0123456789abcdef",
    ...over,
  };
}

export function scanResult(findings: readonly Finding[], problems: readonly ScanProblem[] = []): ScanResult {
  return {
    version: "1.2.3",
    model: { name: "runs/risks", fingerprint: "f".repeat(64), rules },
    root: "/nowhere/at all",
    files: { found: 12, scored: 8, cached: 3, empty: 0, unchanged: 1, texts: 14 },
    findings,
    problems,
    seconds: 1.5,
  };
}

/** Every hostile text as a path, a snippet, a unit, a reason, a label with its title and fix, and a problem. */
export const hostileResult: ScanResult = {
  ...scanResult(
    hostileTexts.map((text, i) =>
      finding({
        path: text,
        label: text,
        unit: text,
        snippet: text,
        fingerprint: `${i}`,
        ...(i % 3 === 0 ? { suppressed: { by: i % 2 === 0 ? "inline" : "baseline", reason: text } } : {}),
      }),
    ),
    hostileTexts.map((text, i) => ({ path: text, message: text, fatal: i % 2 === 0 })),
  ),
  model: {
    name: hostileTexts[0]!,
    fingerprint: "0",
    rules: hostileTexts.map((text) => ({
      label: text,
      title: text,
      description: text,
      fix: text,
      severity: "critical",
      cwe: ["CWE-79"],
    })),
  },
};
