import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { packageRoot } from "../../../base/package-root.ts";
import { finding, hostileResult, hostileTexts, scanResult } from "../scan-result.cases.ts";
import type { ScanResult } from "../scan-result.ts";
import type { ScanPlace, Written } from "./format.ts";
import { lineHashes } from "./line-hashes.ts";
import { encodeUri, githubSarif, sarif } from "./sarif.ts";

const schema = JSON.parse(readFileSync(join(packageRoot, "tests/fixtures/sarif/sarif-schema-2.1.0.json"), "utf8"));
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
const validate = ajv.compile(schema);

type Located = { readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } } };

/** What is looked at here of a run. */
interface SarifRun {
  readonly tool: {
    readonly driver: { readonly rules: readonly { id: string; properties: Readonly<Record<string, unknown>> }[] };
  };
  readonly results: readonly {
    readonly ruleId: string;
    readonly level: string;
    readonly locations: readonly Located[];
    readonly partialFingerprints: Readonly<Record<string, string>>;
    readonly suppressions?: readonly { readonly kind: string; readonly justification: string }[];
  }[];
  readonly invocations: readonly {
    readonly executionSuccessful: boolean;
    readonly toolExecutionNotifications: readonly { message: { text: string }; locations?: readonly Located[] }[];
  }[];
  readonly originalUriBaseIds: Readonly<Record<string, { readonly uri: string }>>;
  readonly automationDetails?: { readonly id: string };
  readonly versionControlProvenance?: readonly object[];
}

const place: ScanPlace = { root: "/nowhere/at all", prefix: "" };

/** Checks against the published schema, and returns the file's only run. */
function parse({ text }: Written): SarifRun {
  const log: { readonly runs: readonly SarifRun[] } = JSON.parse(text);
  const isValid: boolean = validate(log);
  assert.ok(isValid, JSON.stringify(validate.errors, null, 1));
  assert.equal(log.runs.length, 1);
  return log.runs[0]!;
}

function write(result: ScanResult, where: ScanPlace = place): SarifRun {
  return parse(sarif.write(result, where));
}

test("a file is valid against the schema of OASIS, clean, with findings and with hostile text", () => {
  assert.deepEqual(write(scanResult([])).results, []);
  assert.equal(write(scanResult([finding()])).results.length, 1);
  const run = write(hostileResult, { root: "/a b\n%", prefix: "ü/" });
  assert.equal(run.results.length, hostileTexts.length);
  const known = hostileTexts.map((text) => text.replace(/\p{Cs}/gu, "\ufffd"));
  for (const { ruleId } of run.results) assert.ok(known.includes(ruleId), ruleId);
});

test("a result has its rule, level, region, message and fingerprints", () => {
  const run = write(scanResult([finding(), finding({ severity: "low", label: "unpinned base", threshold: null })]));
  assert.deepEqual(run.tool.driver.rules[0], {
    id: "runs-as-root",
    shortDescription: { text: "Runs as root" },
    fullDescription: { text: "The last user of the image is root." },
    help: { text: "End with USER and a user without rights." },
    defaultConfiguration: { level: "error" },
    properties: { "security-severity": "8.0", tags: ["security", "external/cwe/cwe-250"] },
  });
  const [high, low] = [run.results[0]!, run.results[1]!];
  assert.deepEqual(high, {
    ruleId: "runs-as-root",
    ruleIndex: 0,
    level: "error",
    message: { text: "Runs as root: probability 0.93, a finding from 0.50 on" },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: "docker/Dockerfile", uriBaseId: "%SRCROOT%" },
          region: { startLine: 3, endLine: 4, snippet: { text: "USER root\nCMD run\n" } },
        },
      },
    ],
    partialFingerprints: { "fettle/v1": "0123456789abcdef:1" },
    properties: { probability: 0.93, threshold: 0.5, regionBy: "lines-left-out" },
  });
  assert.equal(low.level, "note");
  assert.equal(low.partialFingerprints["fettle/v1"], "0123456789abcdef:2");
  assert.equal(run.originalUriBaseIds["%SRCROOT%"]!.uri, "file:///nowhere/at%20all/");
  assert.equal(run.automationDetails?.id, "fettle-scan/risks/");
});

test("ratings are inside GitHub's ranges of their severity", () => {
  const severities = ["low", "medium", "high", "critical"] as const;
  const base = scanResult([]);
  const ruleOf = (severity: (typeof severities)[number]) => ({ ...base.model.rules[0]!, label: severity, severity });
  const { driver } = write({ ...base, model: { ...base.model, rules: severities.map(ruleOf) } }).tool;
  // https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
  const nameOf = (score: number) => (score > 9 ? "critical" : score >= 7 ? "high" : score >= 4 ? "medium" : "low");
  for (const { id, properties } of driver.rules) assert.equal(nameOf(Number(properties["security-severity"])), id);
});

test("what is suppressed says so, and is not in the file for GitHub", () => {
  const result = scanResult([
    finding({ suppressed: { by: "inline", reason: "a build image" } }),
    finding({ suppressed: { by: "baseline", reason: "in the baseline" } }),
    finding(),
  ]);
  const kinds = write(result).results.map((one) => one.suppressions?.[0]?.kind);
  assert.deepEqual(kinds, ["inSource", "external", undefined]);
  assert.equal(write(result).results[0]!.suppressions![0]!.justification, "a build image");
  const forGitHub = parse(githubSarif.write(result, place)).results;
  assert.equal(parse(githubSarif.write(result, place)).automationDetails, undefined);
  assert.equal(forGitHub.length, 1);
  assert.equal(forGitHub[0]!.suppressions, undefined);
});

test("problems are notifications, and a fatal one makes the execution a failed one", () => {
  const warning = { path: "a b", message: "is no text", fatal: false };
  const error = { path: "", message: "the model went away", fatal: true };
  const fine = write(scanResult([], [warning])).invocations[0]!;
  assert.equal(fine.executionSuccessful, true);
  assert.equal(fine.toolExecutionNotifications[0]!.locations![0]!.physicalLocation.artifactLocation.uri, "a%20b");
  const failed = write(scanResult([], [warning, error])).invocations[0]!;
  assert.equal(failed.executionSuccessful, false);
  assert.deepEqual(failed.toolExecutionNotifications[0], {
    level: "error",
    message: { text: "the model went away" },
  });
});

test("problems without number are bounded, the grave ones first", () => {
  const many = [...Array(3000).keys()].map((i) => ({ path: `${i}`, message: "m", fatal: i === 2999 }));
  const { toolExecutionNotifications: told } = write(scanResult([], many)).invocations[0]!;
  assert.equal(told.length, 1001);
  assert.equal(told[0]!.message.text, "2999: m");
  assert.equal(told[1000]!.message.text, "2000 more problems left out");
});

test("addresses start at the repository's root and decode to the path", () => {
  const repository = { url: "https://example.org/a.git", commit: "0".repeat(40), branch: "main" };
  const run = write(scanResult([finding({ path: "x y/Dockerfile" })]), { root: "/repo", prefix: "sub/", repository });
  const { uri } = run.results[0]!.locations[0]!.physicalLocation.artifactLocation;
  assert.equal(uri, "sub/x%20y/Dockerfile");
  assert.deepEqual(run.versionControlProvenance, [
    {
      repositoryUri: "https://example.org/a.git",
      revisionId: "0".repeat(40),
      branch: "main",
      mappedTo: { uriBaseId: "%SRCROOT%" },
    },
  ]);
  for (const text of hostileTexts) {
    const encoded = encodeUri(text);
    assert.match(encoded, /^[\w\-.!~*'()%/]*$/);
    // The characters that have no UTF-8 are the only ones that are lost.
    assert.equal(decodeURIComponent(encoded), text.replace(/\p{Cs}/gu, "\ufffd"));
  }
});

test("the line's hash is of the file that was scanned", () => {
  const folder = mkdtempSync(join(tmpdir(), "fettle-sarif-"));
  try {
    const text = "FROM debian\n\nUSER root\nCMD run\n";
    writeFileSync(join(folder, "Dockerfile"), text);
    const run = write({ ...scanResult([finding({ path: "Dockerfile" })]), root: folder });
    const expected = lineHashes(text, new Set([3])).get(3);
    assert.equal(run.results[0]!.partialFingerprints.primaryLocationLineHash, expected);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("of more results than GitHub takes the least grave are left out, and the file says so", () => {
  const many = [...Array(25_010).keys()].map((i) =>
    finding({ path: `f${i}`, severity: i % 2 === 0 ? "low" : "critical", fingerprint: `${i}` }),
  );
  const written = sarif.write(scanResult(many), place);
  const { results, invocations } = (JSON.parse(written.text) as { readonly runs: readonly [SarifRun] }).runs[0];
  const levels = results.map(({ level }) => level);
  assert.equal(levels.length, 25_000);
  assert.equal(levels.filter((level) => level === "error").length, 12_505);
  assert.match(written.notes[0]!, /^sarif: 10 findings of 25010 left out/);
  assert.equal(invocations[0]!.toolExecutionNotifications[0]!.message.text, written.notes[0]);
});
