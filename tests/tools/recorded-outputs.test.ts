/** What the adapters make of outputs that the real programs wrote; `npm run interop -- tools` runs the programs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { hadolint } from "../../src/app/tools/hadolint.ts";
import { kics } from "../../src/app/tools/kics.ts";
import { semgrep } from "../../src/app/tools/semgrep.ts";
import { slither } from "../../src/app/tools/slither.ts";
import { terrascan } from "../../src/app/tools/terrascan.ts";
import type { Tool, ToolRun } from "../../src/app/tools/tool.ts";
import { tools } from "../../src/app/tools/tools.ts";
import { trivy } from "../../src/app/tools/trivy.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { loadTaxonomy } from "../../src/base/taxonomy/load-taxonomy.ts";
import { LEFT_OUT, RuleClasses } from "../../src/base/taxonomy/rule-classes.ts";
import { readRecord, recordedFiles, textsOf } from "../helpers/recorded-tools.ts";

const all = [hadolint, trivy, kics, terrascan] as const;
const taxonomy = loadTaxonomy(join(packageRoot, "recipes/dockerfile-risks/risks.taxonomy.yaml"));
const rules = new RuleClasses(taxonomy);
const runs = new Map(
  tools.map((tool): [Tool, ToolRun] => [tool, tool.read(textsOf(readRecord(tool)), recordedFiles(tool).files)]),
);
const fileOf = (tool: Tool, name: string): string => {
  const { names, files } = recordedFiles(tool);
  return files[names.indexOf(name)]!;
};
const { names, files } = recordedFiles(hadolint);

/** `rule:line`, sorted, of what a tool found in a file. */
function found(tool: Tool, name: string): string[] {
  const findings = runs.get(tool)!.findings.get(fileOf(tool, name)) ?? [];
  return findings.map(({ rule, startLine }) => `${rule}:${startLine ?? "-"}`).sort();
}

/** The tools that find a class in a file. */
function finders(name: string, label: string): string {
  return all
    .filter((tool) => {
      const findings = runs.get(tool)!.findings.get(fileOf(tool, name)) ?? [];
      return findings.some(({ rule }) => rules.classOf(tool.name, rule) === label);
    })
    .map((tool) => tool.name)
    .join(" ");
}

describe("recorded outputs of the scanners", () => {
  it("give each risk that a file was written for, by the tools that have a rule for it", () => {
    assert.equal(finders("admin-port", "exposed-admin-port"), "trivy kics");
    assert.equal(finders("admin-port", "unpinned-base-image"), "hadolint trivy kics terrascan");
    assert.equal(finders("admin-port", "runs-as-root"), "trivy kics");
    assert.equal(finders("admin-port", "missing-healthcheck"), "trivy kics");
    assert.equal(finders("secrets", "secrets-in-image"), "hadolint trivy kics");
    assert.equal(finders("apt", "unpinned-packages"), "hadolint trivy kics terrascan");
    assert.equal(finders("apt", "bloated-image"), "hadolint trivy kics");
    assert.equal(finders("downloads", "untrusted-source"), "hadolint trivy kics");
    assert.equal(finders("privileges", "excessive-privileges"), "hadolint trivy kics terrascan");
    assert.equal(finders("fragile", "fragile-build"), "hadolint trivy kics terrascan");
    for (const tool of all) assert.deepEqual(found(tool, "clean"), [], tool.name);
  });

  it("give rules and lines", () => {
    assert.deepEqual(found(hadolint, "secrets"), ["DL3064:2", "DL3064:3"]);
    assert.deepEqual(found(trivy, "admin-port"), ["DS-0001:1", "DS-0002:-", "DS-0004:3", "DS-0026:-"]);
    assert.deepEqual(found(kics, "downloads"), [
      "4b410d24-1cbe-4430-a632-62c9a931cf1c:2",
      "9513a694-aa0d-41d8-be61-3271e056f36b:2",
      "9513a694-aa0d-41d8-be61-3271e056f36b:3",
    ]);
    assert.deepEqual(found(terrascan, "privileges"), ["AC_DOCKER_00024:2", "AC_DOCKER_0007:4"]);
  });

  it("name KICS's kinds of secrets as the one query that they are", () => {
    const secret = "a88baa34-e2ad-44ea-ad6f-8cac87bc7c71";
    assert.deepEqual(found(kics, "secrets"), [`${secret}:2`, `${secret}:3`]);
  });

  it("show that Terrascan finds ports and working directories only where they are written in lower case", () => {
    assert.deepEqual(found(terrascan, "lower-case"), ["AC_DOCKER_0013:4", "AC_DOCKER_0026:2"]);
    assert.equal(finders("lower-case", "exposed-admin-port"), "trivy kics terrascan");
    assert.equal(finders("admin-port", "exposed-admin-port"), "trivy kics");
  });

  it("tell files that a tool could not read from files in which it found nothing", () => {
    const unread = all.map((tool) => [
      tool.name,
      [...runs.get(tool)!.unread.keys()].map((file) => names[files.indexOf(file)]).sort(),
    ]);
    assert.deepEqual(Object.fromEntries(unread), {
      hadolint: ["heredoc", "no-dockerfile"],
      trivy: ["no-dockerfile", "only-comments"],
      kics: ["only-comments"],
      terrascan: ["no-dockerfile", "only-comments"],
    });
  });

  it("hold no rule that the taxonomy does not know, but ShellCheck's", () => {
    for (const tool of all) {
      const given = [...runs.get(tool)!.findings.values()].flat().map(({ rule }) => rule);
      const unknown = given.filter((rule) => rules.classOf(tool.name, rule) === undefined && !/^SC\d+$/.test(rule));
      assert.deepEqual(unknown, [], tool.name);
      assert.ok(given.length > 20, tool.name);
    }
    assert.equal(rules.classOf("trivy", "DS-0022"), LEFT_OUT);
  });
});

describe("recorded outputs of scanners of code", () => {
  it("give Semgrep's rules by their place in the folder of rules, and no answer for what it cannot parse", () => {
    assert.deepEqual(found(semgrep, "accounts"), ["java.query-of-parts:7", "java.weak-hash:11"]);
    assert.equal(runs.get(semgrep)!.findings.get(fileOf(semgrep, "accounts"))![1]!.endLine, 12);
    assert.deepEqual(found(semgrep, "clean"), []);
    assert.deepEqual([...runs.get(semgrep)!.unread.keys()], [fileOf(semgrep, "broken")]);
  });

  it("give Slither's detectors with the lines of the function, and no answer for what solc refuses", () => {
    const grave = found(slither, "purse").filter((line) => /^(reentrancy-eth|suicidal|tx-origin):/.test(line));
    assert.deepEqual(grave, ["reentrancy-eth:11", "suicidal:17", "tx-origin:17"]);
    assert.deepEqual([...runs.get(slither)!.unread.keys()], [fileOf(slither, "old")]);
    assert.ok(!runs.get(slither)!.unread.has(fileOf(slither, "clean")));
  });
});

describe("an output that is not what is known of the tool", () => {
  it("is refused with the tool's name and the place that does not fit", () => {
    assert.throws(() => hadolint.read(["no json"], files), /the output of hadolint is not what is known of it/);
    assert.throws(() => trivy.read(['{"Results":[{"Target":1}]}'], files), /trivy .* Results\.0\.Target/);
    assert.throws(() => kics.read(["{}", ""], files), /kics .* queries/);
    assert.throws(() => terrascan.read(["{}"], ["00/Dockerfile"]), /terrascan .* results/);
    const failed = JSON.stringify({ queries_failed_to_execute: 2, queries: [] });
    assert.throws(() => kics.read([failed, ""], files), /2 queries of KICS could not be executed/);
  });

  it("says nothing of files that were not given", () => {
    const other = JSON.stringify([
      { code: "DL3006", file: "elsewhere/Dockerfile", level: "warning", line: 1, message: "" },
    ]);
    assert.equal(hadolint.read([other], files).findings.size, 0);
  });
});
