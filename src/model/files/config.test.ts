import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { packageRoot } from "../../base/package-root.ts";
import { ConfigJson, readConfigJson, writeConfigJson } from "./config.ts";
import { formatPythonJson } from "./python-json.ts";

const fixtures = join(packageRoot, "tests/fixtures/files");
const folder = mkdtempSync(join(tmpdir(), "fettle-config-"));
after(() => rmSync(folder, { recursive: true }));

const config = new ConfigJson("c.json", { n: 3, x: 0.5, b: true, s: "t", nothing: null, ids: [1, 2], o: { k: 1 } });

test("getters take values, defaults for missing or null keys, and refuse other types", () => {
  assert.equal(config.integer("n"), 3);
  assert.equal(config.integer("nothing", 7), 7);
  assert.equal(config.number("x"), 0.5);
  assert.equal(config.number("missing", 1e4), 1e4);
  assert.equal(config.boolean("b"), true);
  assert.equal(config.boolean("missing", false), false);
  assert.equal(config.string("s"), "t");
  assert.equal(config.optionalInteger("nothing"), undefined);
  assert.equal(config.has("nothing"), false);
  assert.deepEqual([config.integers("n"), config.integers("ids"), config.integers("missing")], [[3], [1, 2], []]);
  assert.equal(config.optionalSection("o")?.integer("k"), 1);
  assert.throws(() => config.integer("x"), /"x" must be a whole number, it is the number 0.5/);
  assert.throws(() => config.integer("s"), /"s" must be a whole number, it is the string "t"/);
  assert.throws(() => config.integer("missing"), /"missing" must be a whole number, it is nothing/);
  assert.throws(() => config.boolean("n"), { where: "c.json" });
  assert.throws(() => config.integer("toString"), /it is nothing/);
  assert.throws(() => config.optionalSection("o")?.string("k"), { where: "c.json: o" });
});

test("files that transformers wrote come back byte for byte", () => {
  for (const name of ["gemma3-v5-config.json", "llama3-v5-config.json"]) {
    writeConfigJson(folder, readConfigJson(fixtures, name));
    assert.equal(readFileSync(join(folder, "config.json"), "utf8"), readFileSync(join(fixtures, name), "utf8"));
  }
});

test("changes replace and remove keys", () => {
  assert.deepEqual(config.with({ n: 4, x: undefined, b: undefined, s: undefined, ids: undefined, o: undefined }).json, {
    n: 4,
    nothing: null,
  });
});

test("numbers are spelled as Python spells them", () => {
  const spelled = (value: number): string =>
    formatPythonJson({ f: value }, new Set(["f"]))
      .split(": ")[1]!
      .slice(0, -2);
  assert.deepEqual([1, 50, 1e-6, 1.5e-5, 1e-4, 0.1, 1e16, 123456789012345680000, -2e-7].map(spelled), [
    "1.0",
    "50.0",
    "1e-06",
    "1.5e-05",
    "0.0001",
    "0.1",
    "1e+16",
    "1.2345678901234568e+20",
    "-2e-07",
  ]);
});

test("mistakes in the JSON text are located", () => {
  const path = join(folder, "config.json");
  const errorOf = (text: string | Uint8Array): string => {
    writeFileSync(path, text);
    try {
      readConfigJson(folder);
      return "none";
    } catch (error) {
      return (error as { describe(): string }).describe().replaceAll(path, "PATH");
    }
  };
  assert.match(errorOf('{\n  "a": 1,\n  "b": nul\n}'), /this is not JSON: Unexpected token .* · PATH:3:11/);
  assert.match(errorOf('{\n  "a": 1\n  "b": 2\n}'), /PATH:3:3/);
  assert.match(errorOf('{"a": NaN}'), /PATH:1:7/);
  assert.match(errorOf('{"a": [1, 2'), /ends too early/);
  assert.match(errorOf(""), /ends too early/);
  assert.match(errorOf("[1]"), /must hold a JSON object, not a list/);
  assert.match(errorOf(Uint8Array.of(0x7b, 0xff, 0x7d)), /not UTF-8/);
  assert.match(errorOf(`{"a": ${"[".repeat(300)}${"]".repeat(300)}}`), /nested more than 200 levels/);
  assert.match(errorOf(`{"a": "${"[".repeat(300)}\\\\\\""}`), /^none$/);
  assert.match(errorOf(new Uint8Array(2 ** 24 + 1)), /more than the 16777216/);
});
