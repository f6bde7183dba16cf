/** GitLab's code quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format */
import { createHash } from "node:crypto";
import type { Severity } from "../../../base/taxonomy/taxonomy.ts";
import { findingText, openFindings, rulesByLabel } from "./finding-text.ts";
import type { ScanFormat } from "./format.ts";
import { stringify } from "./json.ts";
import { numbered } from "./numbered.ts";

export const gitlab: ScanFormat = {
  name: "gitlab",
  summary: "GitLab's code quality report",
  write(result, { prefix }) {
    const rules = rulesByLabel(result);
    const issues = [...numbered(openFindings(result))].map(([finding, id]) => ({
      description: findingText(finding, rules.get(finding.label)!),
      check_name: finding.label,
      // GitLab shows one issue for each fingerprint.
      fingerprint: createHash("sha256").update(`${prefix}${finding.path}\0${id}`).digest("hex"),
      severity: SEVERITIES[finding.severity],
      location: {
        path: prefix + finding.path,
        lines: { begin: finding.region.startLine, end: finding.region.endLine },
      },
    }));
    return { text: `${stringify(issues)}\n`, notes: [] };
  },
};

const SEVERITIES: Readonly<Record<Severity, string>> = {
  low: "minor",
  medium: "major",
  high: "critical",
  critical: "blocker",
};
