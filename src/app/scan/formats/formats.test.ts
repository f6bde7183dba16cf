import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../../base/errors.ts";
import { finding, hostileResult, scanResult } from "../scan-result.cases.ts";
import { findFormat, scanFormats } from "./formats.ts";

const place = { root: "/", prefix: "" };

test("every format writes the same bytes for the same result, and ends in a line end", () => {
  for (const { name, write } of scanFormats) {
    for (const result of [scanResult([]), scanResult([finding()]), hostileResult]) {
      const { text } = write(result, place);
      assert.equal(write(result, place).text, text, name);
      assert.ok(text === "" || text.endsWith("\n"), name);
    }
  }
});

test("no format lets text of the scanned tree steer a terminal", () => {
  for (const { name, write } of scanFormats) {
    // Bytes that programs read as they are may hold what a terminal would act on only inside an escape.
    assert.doesNotMatch(write(hostileResult, place).text, /(?![\n])\p{Cc}/u, name);
  }
});

test("json has everything of the result, and a summary", () => {
  const suppressed = { by: "baseline", reason: "old" } as const;
  const result = scanResult([finding(), finding({ suppressed })], [{ path: "x", message: "m", fatal: true }]);
  const { findings, problems, summary, model, ...rest } = JSON.parse(findFormat("json").write(result, place).text);
  assert.deepEqual(findings, JSON.parse(JSON.stringify(result.findings)));
  assert.deepEqual(problems, result.problems);
  assert.deepEqual(model, result.model);
  assert.deepEqual(summary, { findings: 1, suppressed: 1, critical: 0, high: 1, medium: 0, low: 0, complete: false });
  assert.deepEqual(Object.keys(rest), ["kind", "format", "fettle", "root", "files", "seconds"]);
});

test("gitlab: one issue for each open finding, each with a fingerprint of its own", () => {
  const result = scanResult([
    finding(),
    finding(),
    finding({ path: "b" }),
    finding({ suppressed: { by: "inline", reason: "" } }),
  ]);
  const issues: readonly { readonly fingerprint: string }[] = JSON.parse(
    findFormat("gitlab").write(result, { root: "/", prefix: "sub/" }).text,
  );
  assert.equal(issues.length, 3);
  assert.equal(new Set(issues.map(({ fingerprint }) => fingerprint)).size, 3);
  const { fingerprint, ...first } = issues[0]!;
  assert.match(fingerprint, /^[0-9a-f]{64}$/);
  // https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
  assert.deepEqual(first, {
    description: "Runs as root: probability 0.93, a finding from 0.50 on",
    check_name: "runs-as-root",
    severity: "critical",
    location: { path: "sub/docker/Dockerfile", lines: { begin: 3, end: 4 } },
  });
});

test("an unknown format is refused with the nearest one", () => {
  assert.throws(
    () => findFormat("sariff", "--format"),
    (error) => error instanceof UserError && /did you mean "sarif"/.test(error.fix ?? ""),
  );
});
