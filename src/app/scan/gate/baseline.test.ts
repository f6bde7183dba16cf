import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { UserError } from "../../../base/errors.ts";
import { finding, hostileResult } from "../scan-result.cases.ts";
import { applyBaseline, baselineOf, baselineText, readBaseline, writeBaseline } from "./baseline.ts";

const other = { fingerprint: "b" };

test("what is in the baseline is marked, wherever its lines went; what is new is not", () => {
  const entries = baselineOf([finding(), finding({ path: "b" })], [], "");
  const moved = finding({ region: { startLine: 90, endLine: 91, by: "lines-left-out" }, probability: 0.6 });
  const { findings, stale } = applyBaseline([moved, finding(other)], entries, "");
  assert.deepEqual(findings[0]!.suppressed, { by: "baseline", reason: "in the baseline" });
  assert.equal(findings[1]!.suppressed, undefined);
  assert.deepEqual(stale, [{ path: "b", label: "runs-as-root", fingerprint: "0123456789abcdef", count: 1 }]);
});

test("a scan that starts further down has the same baseline", () => {
  const entries = baselineOf([finding()], [], "");
  const { findings } = applyBaseline([finding({ path: "Dockerfile" })], entries, "docker/");
  assert.equal(findings[0]!.suppressed?.by, "baseline");
});

test("equal findings are counted", () => {
  const two = baselineOf([finding(), finding()], [], "");
  const marks = (count: number) => applyBaseline(new Array(count).fill(finding()), two, "");
  assert.deepEqual(
    marks(3).findings.map(({ suppressed }) => suppressed !== undefined),
    [true, true, false],
  );
  assert.deepEqual(marks(3).stale, []);
  assert.equal(marks(1).stale[0]!.count, 1);
});

test("a finding of a whole file or function stays the same one when the text changes", () => {
  const region = { startLine: 1, endLine: 9, by: "whole-text" } as const;
  const entries = baselineOf([finding({ region, unit: "f()" }), finding({ region })], [], "");
  const { findings, stale } = applyBaseline(
    [
      finding({ region, unit: "f()", ...other }),
      finding({ region, unit: "g()", ...other }),
      finding({ region, ...other }),
    ],
    entries,
    "",
  );
  assert.deepEqual(
    findings.map(({ suppressed }) => suppressed !== undefined),
    [true, false, true],
  );
  const absent = finding({ region: { startLine: 1, endLine: 1, by: "absence" }, ...other });
  assert.equal(applyBaseline([absent], entries, "").findings[0]!.suppressed?.by, "baseline");
  assert.deepEqual(stale, []);
});

test("what a comment ignores is neither in the baseline nor counted against it", () => {
  const ignored = finding({ suppressed: { by: "inline", reason: "why" } });
  assert.deepEqual(baselineOf([ignored], [], ""), []);
  const { findings, stale } = applyBaseline([ignored, finding()], baselineOf([finding()], [], ""), "");
  assert.deepEqual(
    findings.map(({ suppressed }) => suppressed?.by),
    ["inline", "baseline"],
  );
  assert.deepEqual(stale, []);
});

test("the file is the same whatever the order, one line a finding, and reads back", () => {
  const folder = mkdtempSync(join(tmpdir(), "fettle-baseline-"));
  const path = join(folder, "baseline.json");
  try {
    const open = hostileResult.findings.map((one) => ({ ...one, suppressed: undefined }));
    const entries = baselineOf([...open, ...open.slice(0, 2)], [], "");
    assert.equal(baselineText(entries), baselineText(baselineOf([...open.slice(0, 2), ...open].reverse(), [], "")));
    assert.equal(writeBaseline(path, entries), true);
    assert.equal(writeBaseline(path, entries), false);
    assert.equal(readFileSync(path, "utf8").split("\n").length, entries.length + 6);
    const byText = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    // What has no UTF-8 stands in the file as JSON's escape, and comes back.
    assert.deepEqual([...readBaseline(path)].sort(byText), [...entries].sort(byText));
    assert.equal(writeBaseline(path, []), true);
    assert.deepEqual(readBaseline(path), []);
    assert.equal(readFileSync(path, "utf8"), '{\n  "version": 1,\n  "findings": []\n}\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("entries of files that were not scanned stay", () => {
  const before = baselineOf([finding({ path: "elsewhere" })], [], "");
  assert.deepEqual(
    baselineOf([finding()], before, "").map(({ path }) => path),
    ["elsewhere", "docker/Dockerfile"],
  );
});

test("no baseline, and files that are none, are refused", () => {
  const folder = mkdtempSync(join(tmpdir(), "fettle-baseline-"));
  const refused = (text: string | undefined, message: RegExp): void => {
    const path = join(folder, `${text?.length}.json`);
    if (text !== undefined) writeFileSync(path, text);
    assert.throws(
      () => readBaseline(path),
      (error) => error instanceof UserError && message.test(error.message) && error.where!.startsWith(path),
    );
  };
  try {
    refused(undefined, /there is no baseline/);
    refused("{", /not JSON|ends too early/);
    refused('{"version": 2, "findings": []}', /this is no baseline: version/);
    refused('{"version": 1, "findings": [{"path": "a", "label": "b"}]}', /findings\.0\.fingerprint/);
    refused('{"version": 1, "findings": [], "more": 1}', /more/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
