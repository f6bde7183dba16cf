import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { UserError, UserErrors } from "../errors.ts";
import { loadTaxonomy } from "./load-taxonomy.ts";

const folder = mkdtempSync(join(tmpdir(), "taxonomy-"));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, "t.yaml");

const one = (name: string, more: string): string =>
  `  - {name: ${name}, title: T, description: D, why: W, fix: F, severity: low, ${more}}\n`;
const head = "version: 1\nsources: [{tool: hadolint}]\nclasses:\n";

function complaints(text: string): readonly string[] {
  writeFileSync(path, text);
  try {
    loadTaxonomy(path);
    return [];
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    const errors = error instanceof UserErrors ? error.errors : [error];
    return errors.map((each) => each.describe().replaceAll(path, "t.yaml"));
  }
}

describe("a taxonomy file", () => {
  it("becomes rules of each class by tool, over its checks", () => {
    const checks = "checks: [{name: a, title: A, hadolint: [DL1, DL2]}, {name: b, title: B, hadolint: [DL3]}]";
    const out = "left_out: {reason: R, checks: [{name: z, title: Z, hadolint: [DL9]}]}\n";
    writeFileSync(path, head + one("root", checks) + out);
    const taxonomy = loadTaxonomy(path);
    assert.deepEqual(taxonomy.classes[0]!.rules, { hadolint: ["DL1", "DL2", "DL3"] });
    assert.deepEqual(taxonomy.classes[0]!.cwe, []);
    assert.deepEqual(taxonomy.leftOut, { hadolint: ["DL9"] });
  });

  it("tells all that is wrong in it, with places and the nearest names", () => {
    const wrong = one("root", "sevrity: low").replace("severity: low", "severity: sever");
    const [value, key] = complaints(head + wrong);
    assert.match(value!, /^classes\[0\]\.severity: expected low or medium .*, got "sever" · t\.yaml:4:\d+ · /);
    assert.match(key!, /^unknown key sevrity · t\.yaml:4:\d+ · did you mean "severity"\?/);
  });

  it("refuses a rule in two classes, a class and a check that are there twice, and a tool that is no source", () => {
    const twice =
      head +
      one("root", "checks: [{name: a, title: A, hadolint: [DL1]}]") +
      one("root", "checks: [{name: a, title: A, hadolint: [DL2, DL1], hadolynt: [DL3]}]");
    const told = complaints(twice);
    assert.equal(told.length, 4);
    assert.match(told[0]!, /^class root is there twice · t\.yaml:5:/);
    assert.match(told[1]!, /^check a is there twice · t\.yaml:5:/);
    assert.match(told[2]!, /^rule DL1 of hadolint is in root and in root · t\.yaml:5:/);
    assert.match(told[3]!, /^no tool of sources is called hadolynt · t\.yaml:5:\d+ · did you mean "hadolint"\?/);
  });

  it("says what is missing, and that there is no such file", () => {
    const told = complaints("version: 1\nclasses: [{name: x}]\n");
    assert.ok(told.some((line) => line.startsWith("classes[0].fix is missing · t.yaml:2")));
    rmSync(path);
    assert.throws(() => loadTaxonomy(path), /there is no such taxonomy file/);
  });
});
