import assert from "node:assert/strict";
import { test } from "node:test";
import { SaxesParser } from "saxes";
import { finding, hostileResult, hostileTexts, scanResult } from "../scan-result.cases.ts";
import type { ScanResult } from "../scan-result.ts";
import { oneLine } from "./finding-text.ts";
import { junit } from "./junit.ts";

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

/** Elements in the order they begin. saxes throws where a document is not well-formed XML 1.0. */
function parse(result: ScanResult): readonly Element[] {
  const elements: Element[] = [];
  const open: Element[] = [];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => {
    const element = { name, attributes, text: "" };
    elements.push(element);
    open.push(element);
  });
  parser.on("text", (text) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  });
  parser.on("closetag", () => open.pop());
  parser.write(junit.write(result, { root: "/", prefix: "" }).text).close();
  return elements;
}

function named(elements: readonly Element[], name: string): readonly Element[] {
  return elements.filter((element) => element.name === name);
}

test("a file with findings is a failed test, one with suppressed ones a skipped test, an unread one an error", () => {
  const suppressed = { by: "inline", reason: "a build image" } as const;
  const elements = parse(
    scanResult(
      [finding(), finding({ severity: "critical", unit: "f()" }), finding({ path: "b", suppressed })],
      [
        { path: "c", message: "cannot be read", fatal: true },
        { path: "d", message: "is no text", fatal: false },
      ],
    ),
  );
  const [suite] = named(elements, "testsuite");
  assert.deepEqual(
    { ...suite!.attributes },
    { name: "runs/risks", tests: "3", failures: "1", errors: "1", skipped: "1", time: "1.500" },
  );
  assert.deepEqual(
    named(elements, "testcase").map(({ attributes }) => attributes.name),
    ["docker/Dockerfile", "b", "c"],
  );
  const [failure] = named(elements, "failure");
  assert.equal(failure!.attributes.message, "2 findings, the gravest critical: runs-as-root");
  assert.match(failure!.text, /docker\/Dockerfile:3-4 critical runs-as-root: Runs as root in f\(\): probability 0\.93/);
  assert.match(failure!.text, / {4}USER root\n {4}CMD run/);
  assert.equal(named(elements, "skipped")[0]!.attributes.message, "runs-as-root (inline): a build image");
  assert.equal(named(elements, "error")[0]!.attributes.message, "cannot be read");
  assert.equal(named(elements, "system-err")[0]!.text, "d: is no text");
  const found = named(elements, "property").find(({ attributes }) => attributes.name === "files.found");
  assert.equal(found!.attributes.value, "12");
});

test("a clean scan is one test that passed", () => {
  const elements = parse(scanResult([]));
  assert.deepEqual(
    { ...named(elements, "testcase")[0]!.attributes },
    { name: "all 12 files", classname: "fettle.scan", time: "0" },
  );
  assert.equal(named(elements, "testsuites")[0]!.attributes.failures, "0");
});

test("hostile text stays text", () => {
  const elements = parse(hostileResult);
  const counts = new Map<string, number>();
  for (const { name } of elements) counts.set(name, (counts.get(name) ?? 0) + 1);
  const fatal = hostileResult.problems.filter((problem) => problem.fatal).length;
  assert.equal(counts.get("testcase"), hostileTexts.length + fatal);
  assert.equal(counts.get("script"), undefined);
  const names = named(elements, "testcase").map(({ attributes }) => attributes.name);
  const readable = (text: string): string => oneLine(text).replace(/[\ufffe\uffff]/g, "\ufffd");
  for (const text of hostileTexts) assert.ok(names.includes(readable(text)), text);
});
