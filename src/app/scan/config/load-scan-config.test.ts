import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { UserError, UserErrors } from "../../../base/errors.ts";
import { packageRoot } from "../../../base/package-root.ts";
import { findScanConfig } from "./load-scan-config.ts";
import { scanConfigJsonSchemaText } from "./scan-config-schema.ts";

let root = "";

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "fettle-config-")));
});

afterEach(() => rmSync(root, { recursive: true }));

function write(...lines: readonly string[]): void {
  writeFileSync(join(root, ".fettle.yaml"), `${lines.join("\n")}\n`);
}

/** `line: message` of every mistake. */
function mistakes(...lines: readonly string[]): readonly string[] {
  write(...lines);
  try {
    findScanConfig(root, root);
  } catch (error) {
    assert.ok(error instanceof UserErrors, String(error));
    return error.errors.map(({ where, message, fix }) => {
      assert.ok(where!.startsWith(join(root, ".fettle.yaml")), where);
      return `${where!.split(":")[1]}: ${message}${fix === undefined ? "" : ` (${fix})`}`;
    });
  }
  return [];
}

test("everything that it can say", () => {
  write(
    "model: models/risks",
    'files: ["Dockerfile*"]',
    'exclude: ["vendor/**"]',
    "fail_on: high",
    "outputs:",
    "  - format: sarif",
    "    output: out/scan.sarif",
    "baseline: .fettle-baseline.json",
    "severity: { runs-as-root: critical }",
    "thresholds: { runs-as-root: 0.8 }",
  );
  const { where, ...config } = findScanConfig(root, root)!;
  assert.deepEqual(config, {
    path: join(root, ".fettle.yaml"),
    model: join(root, "models/risks"),
    files: ["Dockerfile*"],
    exclude: ["vendor/**"],
    failOn: "high",
    outputs: [{ format: "sarif", path: join(root, "out/scan.sarif") }],
    baseline: join(root, ".fettle-baseline.json"),
    severities: { "runs-as-root": "critical" },
    thresholds: { "runs-as-root": 0.8 },
  });
  assert.match(where(["thresholds", "runs-as-root"]), /\.fettle\.yaml:10:\d+$/);
});

test("it is found from the root of a scan up to the root of the repository, no further", () => {
  write("fail_on: none");
  const deep = join(root, "a/b");
  mkdirSync(deep, { recursive: true });
  assert.equal(findScanConfig(deep, root)!.failOn, "none");
  assert.equal(findScanConfig(deep, join(root, "a")), undefined);
  writeFileSync(join(deep, ".fettle.yaml"), "");
  assert.equal(findScanConfig(deep, root)!.failOn, undefined);
});

test("all mistakes at once, with their lines and the nearest names", () => {
  assert.deepEqual(
    mistakes("fail_in: high", "files: []", "outputs:", "  - format: sariff", "    output: x", "thresholds: { a: 2 }"),
    [
      '1: unknown option fail_in (did you mean "fail_on"? there are: model, files, exclude, fail_on, outputs, baseline, severity, thresholds)',
      "2: files: expected at least 1 entries, got []",
      '4: outputs[0].format: expected table or json or sarif or github-sarif or junit or github or gitlab or markdown, got "sariff" (did you mean "sarif"? there are: table, json, sarif, github-sarif, junit, github, gitlab, markdown)',
      "6: thresholds.a: expected at most 1, got 2",
    ],
  );
});

test("no path leads out of the tree, nor into what git runs things from", () => {
  const outside = mkdtempSync(join(tmpdir(), "fettle-outside-"));
  symlinkSync(outside, join(root, "link"));
  symlinkSync(join(outside, "not-there"), join(root, "dangling"));
  mkdirSync(join(root, ".git"));
  symlinkSync(".git", join(root, "git"));
  const paths: readonly (readonly [string, RegExp])[] = [
    ["/etc/x", /relative/],
    ["~/x", /relative/],
    ["C:\\x", /relative/],
    ["../x", /lead up/],
    ["a/../../x", /lead up/],
    ["a\\..\\x", /lead up/],
    [".git/hooks/pre-commit", /\.git/],
    ["a/.GIT/config", /\.git/],
    ["link/x", /link leads out/],
    ["dangling", /link leads nowhere/],
    ["dangling/x", /link leads nowhere/],
    ["git/hooks/pre-commit", /link leads out/],
  ];
  for (const [path, reason] of paths) {
    const quoted = JSON.stringify(path);
    const told = mistakes(
      `model: ${quoted}`,
      `baseline: ${quoted}`,
      "outputs:",
      "  - format: json",
      `    output: ${quoted}`,
      "nope: 1",
    );
    assert.equal(told.length, 4, `${path}: ${told.join("\n")}`);
    for (const line of told.slice(0, 3)) assert.match(line, reason, path);
  }
  rmSync(outside, { recursive: true });
});

test("a link in its place, a huge one, one that is no map, and aliases without end are refused", () => {
  const refused = (code: string): void => {
    assert.throws(
      () => findScanConfig(root, root),
      (error) => error instanceof UserError && error.code === code,
    );
  };
  symlinkSync("/etc/passwd", join(root, ".fettle.yaml"));
  refused("scan/bad-config");
  rmSync(join(root, ".fettle.yaml"));
  write("#".repeat(300_000));
  refused("files/too-large");
  write("- a");
  refused("recipe/not-a-map");
  write("exclude: &a [*a]");
  refused("recipe/aliases");
});

test("recipes/scan.schema.json is what the schema says", () => {
  assert.equal(readFileSync(join(packageRoot, "recipes/scan.schema.json"), "utf8"), scanConfigJsonSchemaText());
});
