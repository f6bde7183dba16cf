import assert from "node:assert/strict";
import { test } from "node:test";
import { finding } from "../scan-result.cases.ts";
import { InlineIgnores } from "./inline-ignores.ts";

const labels = ["root", "root access", "CWE-79: xss", "a,b"];

/** Findings of label `root` at lines, after comments were read. */
function apply(text: string, ...places: readonly (number | readonly [number, number])[]) {
  const ignores = new InlineIgnores(labels);
  ignores.read("f", text);
  const findings = places.map((place) => {
    const by = typeof place === "number" ? "lines-left-out" : "whole-text";
    const [startLine, endLine] = typeof place === "number" ? [place, place] : place;
    return finding({ path: "f", label: "root", region: { startLine, endLine, by } });
  });
  const { findings: marked, problems } = ignores.apply(findings);
  return {
    reasons: marked.map(({ suppressed }) => suppressed?.reason),
    problems: problems.map(({ message }) => message),
  };
}

test("a comment on the line, or on the lines before it, ignores what is found there", () => {
  assert.deepEqual(apply("USER root # fettle ignore=root: a build image\nx", 1, 2), {
    reasons: ["a build image", undefined],
    problems: [],
  });
  assert.deepEqual(apply("a\n// fettle ignore=root: why not\n\n# more\nUSER root\nx", 1, 5, 6).reasons, [
    undefined,
    "why not",
    undefined,
  ]);
  assert.deepEqual(apply("# fettle ignore=root: b\r\nUSER root\r\n", 2).reasons, ["b"]);
});

test("a finding of a whole text is ignored where the text begins, or by ignore-file", () => {
  assert.deepEqual(apply("# fettle ignore=root: f\nFROM x\nUSER root", [1, 3]).reasons, ["f"]);
  const { reasons, problems } = apply("FROM x\n# fettle ignore=root: f\nUSER root", [1, 3]);
  assert.deepEqual(reasons, [undefined]);
  assert.match(problems[0]!, /^line 2: .*found from line 1 on, in the whole text: ignore-file=root is about that$/);
  assert.deepEqual(apply("FROM x\nUSER root\n# fettle ignore-file=root: all of it", [1, 3], 2).reasons, [
    "all of it",
    "all of it",
  ]);
});

test("several labels, and labels with commas, colons and blanks", () => {
  const ignores = new InlineIgnores(labels);
  ignores.read("f", "x # fettle ignore=root access, CWE-79: xss,a,b: known: since 2020");
  const { findings, problems } = ignores.apply(
    labels.map((label) => finding({ path: "f", label, region: { startLine: 1, endLine: 1, by: "lines-left-out" } })),
  );
  assert.deepEqual(
    findings.map(({ suppressed }) => suppressed?.reason),
    [undefined, "known: since 2020", "known: since 2020", "known: since 2020"],
  );
  assert.deepEqual(problems, []);
});

test("without a reason, or not in the form, it does not count, and is told", () => {
  for (const text of [
    "# fettle ignore=root",
    "# fettle ignore=root:  ",
    "# fettle ignore root: x",
    "# Fettle ignore: x",
  ]) {
    const { reasons, problems } = apply(`${text}\nUSER root`, 2);
    assert.deepEqual(reasons, [undefined], text);
    assert.match(problems[0]!, /^line 1: this is not counted: /, text);
  }
});

test("unknown labels are told with the nearest, unused comments as well", () => {
  const { problems } = apply("# fettle ignore=rooot: x\n# fettle ignore=root: not there", 9);
  assert.match(problems[0]!, /^line 1: "rooot" is no label of the model; did you mean "root"\?/);
  assert.match(problems[1]!, /^line 2: "root" is ignored here, but found from line 9 on$/);
  assert.match(apply("# fettle ignore-file=root: x").problems[0]!, /^line 1: "root" is ignored here, and not found$/);
});

test("what only looks like it is left alone, and a file of nothing else is bounded", () => {
  assert.deepEqual(apply("# fettle ignores nothing\n# we ignore=root: x\nfettle ignore=root: x", 3), {
    reasons: [undefined],
    problems: [],
  });
  const { problems } = apply("# fettle ignore=nope: x\n".repeat(5000));
  assert.equal(problems.length, 1001);
});
