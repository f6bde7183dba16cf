/**
 * SARIF 2.1.0 (OASIS, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html), as GitHub's code scanning reads
 * it: https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
 */
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import type { Severity } from "../../../base/taxonomy/taxonomy.ts";
import type { ScanRule } from "../../../tune/train/scan-settings.ts";
import type { Finding, ScanProblem, ScanResult } from "../scan-result.ts";
import { counted, cut, findingText, gravestFirst, oneLine, openFindings, rulesByLabel } from "./finding-text.ts";
import type { ScanFormat, ScanPlace, Written } from "./format.ts";
import { stringify } from "./json.ts";
import { numbered } from "./numbered.ts";
import { MAX_RULES, MAX_TAGS, withinLimits } from "./sarif-limits.ts";
import { hashLines } from "./source-lines.ts";

export const sarif: ScanFormat = {
  name: "sarif",
  summary: "SARIF 2.1.0; what is ignored or in the baseline is in it as suppressed",
  write: (result, place) => writeSarif(result, place, result.findings, automationOf(result, place)),
};

export const githubSarif: ScanFormat = {
  name: "github-sarif",
  summary: "SARIF for GitHub's code scanning, which would show what is suppressed: without it",
  // Its upload tells scans apart by the workflow's job, or by its input `category`, where a file does not say it itself.
  write: (result, place) => writeSarif(result, place, openFindings(result), {}),
};

/** Problems that are told one by one. */
const MAX_NOTIFICATIONS = 1000;

const MAX_SNIPPET = 4096;

/** Where relative addresses start. */
const BASE = "%SRCROOT%";

const LEVELS: Readonly<Record<Severity, string>> = { low: "note", medium: "warning", high: "error", critical: "error" };

/** Within GitHub's ranges: above 9.0 critical, from 7.0 high, from 4.0 medium, from 0.1 low. */
const SECURITY_SEVERITIES: Readonly<Record<Severity, string>> = {
  low: "2.0",
  medium: "5.5",
  high: "8.0",
  critical: "9.5",
};

function writeSarif(result: ScanResult, place: ScanPlace, findings: readonly Finding[], automation: object): Written {
  const rules = result.model.rules.slice(0, MAX_RULES);
  const indexes = new Map(rules.map(({ label }, i) => [label, i]));
  const known = rulesByLabel(result);
  const hashes = hashLines(result.root, findings);
  const ids = numbered(findings);
  const results = gravestFirst(findings).map((finding) => {
    const lineHash = hashes.get(finding.path)?.get(finding.region.startLine);
    return {
      ruleId: finding.label,
      ...(indexes.has(finding.label) ? { ruleIndex: indexes.get(finding.label)! } : {}),
      level: LEVELS[finding.severity],
      message: { text: findingText(finding, known.get(finding.label)!) },
      locations: [locationOf(finding, place)],
      partialFingerprints: {
        "fettle/v1": ids.get(finding)!,
        ...(lineHash === undefined ? {} : { primaryLocationLineHash: lineHash }),
      },
      ...suppressionsOf(finding),
      properties: { probability: finding.probability, threshold: finding.threshold, regionBy: finding.region.by },
    };
  });
  return withinLimits(results.length, (count, notes) => {
    const run = {
      tool: { driver: driverOf(result, rules) },
      invocations: [invocationOf(result, place, notes)],
      ...provenanceOf(place),
      ...automation,
      originalUriBaseIds: { [BASE]: { uri: directoryUrl(place.root) } },
      columnKind: "utf16CodeUnits",
      results: results.slice(0, count),
    };
    const log = { $schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs: [run] };
    return `${stringify(log)}\n`;
  });
}

/** What tells this scan from others of the same repository: the model, and where it begins. */
function automationOf({ model }: ScanResult, { prefix }: ScanPlace): object {
  return {
    automationDetails: { id: `fettle-scan/${encodeUri(basename(model.name)) || "model"}/${encodeUri(prefix)}` },
  };
}

function driverOf(result: ScanResult, rules: readonly ScanRule[]): object {
  return {
    name: "Fettle",
    semanticVersion: result.version,
    properties: { model: result.model.name, modelFingerprint: result.model.fingerprint },
    rules: rules.map((rule) => ({
      id: rule.label,
      shortDescription: { text: cut(rule.title, 1024) },
      fullDescription: { text: cut(rule.description || rule.title, 1024) },
      help: { text: rule.fix || rule.description || rule.title },
      defaultConfiguration: { level: LEVELS[rule.severity] },
      properties: {
        "security-severity": SECURITY_SEVERITIES[rule.severity],
        tags: ["security", ...rule.cwe.map((id) => `external/cwe/${id.toLowerCase()}`)].slice(0, MAX_TAGS),
      },
    })),
  };
}

function locationOf(finding: Finding, place: ScanPlace): object {
  const { startLine, endLine } = finding.region;
  // A snippet is the region's whole text (3.30.13), so one that was cut is none.
  const lines = finding.snippet.replace(/\r?\n$/, "").split(/\r\n|\r|\n/).length;
  const snippet = lines === endLine - startLine + 1 && finding.snippet.length <= MAX_SNIPPET;
  return {
    physicalLocation: {
      artifactLocation: { uri: encodeUri(place.prefix + finding.path), uriBaseId: BASE },
      region: { startLine, endLine, ...(snippet ? { snippet: { text: finding.snippet } } : {}) },
    },
    ...(finding.unit === undefined ? {} : { logicalLocations: [{ name: finding.unit, kind: "function" }] }),
  };
}

function suppressionsOf({ suppressed }: Finding): object {
  if (suppressed === undefined) return {};
  const kind = suppressed.by === "inline" ? "inSource" : "external";
  return { suppressions: [{ kind, status: "accepted", justification: suppressed.reason }] };
}

function invocationOf(result: ScanResult, place: ScanPlace, notes: readonly string[]): object {
  const graver = result.problems.toSorted((a, b) => Number(b.fatal) - Number(a.fatal));
  const left = graver.length - MAX_NOTIFICATIONS;
  const limits = left > 0 ? [...notes, `${counted(left, "more problem")} left out`] : notes;
  return {
    executionSuccessful: !result.problems.some(({ fatal }) => fatal),
    toolExecutionNotifications: [
      ...graver.slice(0, MAX_NOTIFICATIONS).map((problem) => notificationOf(problem, place)),
      ...limits.map((text) => ({ level: "warning", message: { text } })),
    ],
  };
}

function notificationOf({ path, message, fatal }: ScanProblem, place: ScanPlace): object {
  return {
    level: fatal ? "error" : "warning",
    message: { text: oneLine(path === "" ? message : `${path}: ${message}`) },
    ...(path === ""
      ? {}
      : {
          locations: [
            { physicalLocation: { artifactLocation: { uri: encodeUri(place.prefix + path), uriBaseId: BASE } } },
          ],
        }),
  };
}

function provenanceOf({ repository }: ScanPlace): object {
  if (repository?.url === undefined) return {};
  const { url, commit, branch } = repository;
  const details = {
    repositoryUri: url,
    ...(commit === undefined ? {} : { revisionId: commit }),
    ...(branch === undefined ? {} : { branch }),
    mappedTo: { uriBaseId: BASE },
  };
  return { versionControlProvenance: [details] };
}

/** A relative address (RFC 3986) that every reader takes apart into the same path. */
export function encodeUri(path: string): string {
  const encode = (part: string): string => encodeURIComponent(part.replace(/\p{Cs}/gu, "\ufffd"));
  return path.split("/").map(encode).join("/");
}

function directoryUrl(path: string): string {
  return pathToFileURL(path.endsWith("/") ? path : `${path}/`).href;
}
