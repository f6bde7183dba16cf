/** `fettle data silver` through the command line, with a program that speaks as hadolint does. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettle } from "../helpers/cli.ts";

const folder = mkdtempSync(join(tmpdir(), "silver-"));
after(() => rmSync(folder, { recursive: true }));
const program = join(folder, "hadolint");
// DL3006 where no colon follows FROM's image, DL3066 everywhere, and no answer for a file that is no Dockerfile.
writeFileSync(
  program,
  `#!/bin/sh
if [ "$1" = --version ]; then echo "Haskell Dockerfile Linter 2.15.1"; exit 0; fi
while [ "$1" != -- ]; do shift; done; shift
say() { printf '%s{"code":"%s","column":1,"file":"%s","level":"warning","line":%s,"message":"m"}' "$comma" "$1" "$2" "$3"; comma=,; }
comma=; printf '['
for file; do
  if ! grep -q '^FROM' "$file"; then say DL1000 "$file" 1; continue; fi
  say DL3066 "$file" 2
  if grep -q '^FROM [^:]*$' "$file"; then say DL3006 "$file" 1; fi
done
printf ']\\n'
`,
);
chmodSync(program, 0o755);
const environment = { FETTLE_HADOLINT: program, FETTLE_CACHE: join(folder, "cache") };
const taxonomy = join(packageRoot, "recipes/dockerfile-risks/risks.taxonomy.yaml");
const rows = join(folder, "rows.jsonl");
const lines = [
  { id: 1, content: "FROM a\nCMD x\n" },
  { id: 2, content: "FROM a:1\nCMD x\n" },
  { id: 3, content: "nothing of the kind" },
  { id: 4, nothing: true },
];
writeFileSync(rows, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));

const silver = (output: string, ...more: readonly string[]): ReturnType<typeof fettle> =>
  fettle(
    ["data", "silver", rows, "--tools", "hadolint", "--taxonomy", taxonomy, "--output", join(folder, output), ...more],
    { env: environment },
  );
const written = (output: string): unknown[] =>
  readFileSync(join(folder, output), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

describe("fettle data silver", () => {
  it("writes what is found as labels, with lines and rules, and counts rows without an answer", async () => {
    const { code, stdout, stderr } = await silver("any.jsonl");
    assert.equal(code, 0, stderr);
    const found = { "runs-as-root": ["hadolint DL3066"], "unpinned-base-image": ["hadolint DL3006"] };
    const both = ["runs-as-root", "unpinned-base-image"];
    const place = { "runs-as-root": 2, "unpinned-base-image": 1 };
    assert.deepEqual(written("any.jsonl"), [
      { id: 1, text: lines[0]!.content, labels: both, lines: place, found },
      {
        id: 2,
        text: lines[1]!.content,
        labels: both.slice(0, 1),
        lines: { "runs-as-root": 2 },
        found: { "runs-as-root": ["hadolint DL3066"] },
      },
    ]);
    assert.match(stdout, /^unpinned-base-image +1 +1 +1 +0$/m);
    assert.match(stdout, /in no file: 2 rows/);
    assert.match(stderr, /hadolint could not read 1 of 3 files: line 1: m/);
  });

  it("leaves out the rules that labelled rows contradict, and says so", async () => {
    const gold = join(folder, "gold.jsonl");
    const known = [
      { text: "FROM b\nUSER x\n", labels: ["unpinned-base-image"] },
      { text: "FROM b:1\nUSER x\n", labels: [] },
      { text: "FROM b:2\nUSER 0\n", labels: ["runs-as-root"] },
    ];
    writeFileSync(gold, known.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const { code, stdout, stderr } = await silver("gold.jsonl.out.jsonl", "--gold", gold, "--json");
    assert.equal(code, 0, stderr);
    const { classes } = JSON.parse(stdout) as { classes: { name: string; rows: number; agreement: object }[] };
    assert.deepEqual(
      classes.find(({ name }) => name === "unpinned-base-image"),
      {
        name: "unpinned-base-image",
        rows: 1,
        byTool: { hadolint: 1 },
        votes: 1,
        without: [],
        agreement: { precision: 1, recall: 1, f1: 1 },
      },
    );
    writeFileSync(gold, `${JSON.stringify({ text: "FROM b", labels: ["unpinned-base-imag"] })}\n`);
    const refused = await silver("refused.jsonl", "--gold", gold);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /the taxonomy has no class unpinned-base-imag[\s\S]*did you mean "unpinned-base-image"/,
    );
    assert.equal(existsSync(join(folder, "refused.jsonl")), false);
  });

  it("refuses tools that are not here, and more votes than tools, and writes nothing", async () => {
    const missing = await fettle(
      ["data", "silver", rows, "--tools", "trivy,kics", "--taxonomy", taxonomy, "--output", join(folder, "no.jsonl")],
      { env: { ...environment, PATH: folder, FETTLE_TRIVY: "", FETTLE_KICS: "" } },
    );
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /trivy is neither on PATH[\s\S]*kics is neither on PATH/);
    const votes = await silver("no.jsonl", "--votes", "2");
    assert.equal(votes.code, 2);
    assert.match(votes.stderr, /2 tools are to agree, and 1 are asked/);
    assert.equal(existsSync(join(folder, "no.jsonl")), false);
  });
});
