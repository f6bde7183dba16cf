/** A scan as CI runs it: formats, what is known, what changed, and settings of the tree. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { parse } from "yaml";
import { train } from "../../src/app/api/train.ts";
import { scanFormats } from "../../src/app/scan/formats/formats.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { type CliResult, fettle } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-ci-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const model = join(scratch, "run");
writeSmallModel(join(scratch, "base"));
writeFileSync(
  join(scratch, "rows.jsonl"),
  [["FROM a", ["root"]] as const, ["FROM b", ["pinned"]] as const]
    .map(([text, labels]) => JSON.stringify({ text, labels }))
    .join("\n"),
);
await train(
  {
    base: join(scratch, "base"),
    task_type: "SEQ_CLS",
    problem_type: "multi_label_classification",
    data: { train: join(scratch, "rows.jsonl"), labels: ["root", "pinned"] },
    training: { max_steps: 1, batch_size: 2 },
  },
  { output: model },
);

/** `root` is found in every file and `pinned` in none, whatever the model says. */
const config = ["files: [Dockerfile]", "thresholds: { root: 0, pinned: 1 }", "severity: { root: high }"];
const tree = join(scratch, "tree");

beforeEach(() => {
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree);
  git("init", "--quiet", "--initial-branch=main");
  write(".fettle.yaml", ...config);
  write("app/Dockerfile", "FROM a", "USER root");
});

function git(...words: readonly string[]): void {
  execFileSync("git", ["-c", "user.name=n", "-c", "user.email=n@example.org", "-C", tree, ...words], { stdio: "pipe" });
}

function commit(): void {
  git("add", "--all");
  git("commit", "--quiet", "--message=m");
}

function write(path: string, ...lines: readonly string[]): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), lines.map((line) => `${line}\n`).join(""));
}

function scan(...words: readonly string[]): Promise<CliResult> {
  return fettle(["scan", "--no-cache", "--no-regions", "--model", model, ...words], { cwd: tree });
}

/** Paths of what counts. */
async function found(...words: readonly string[]): Promise<readonly string[]> {
  const { stdout, stderr, code } = await scan("--format", "json", ...words);
  assert.notEqual(code, 2, stderr);
  const { findings }: { findings: readonly { path: string; label: string; suppressed?: object }[] } =
    JSON.parse(stdout);
  assert.equal(code, findings.some(({ suppressed }) => !suppressed) ? 1 : 0);
  return findings.filter(({ suppressed }) => !suppressed).map(({ path, label }) => `${path} ${label}`);
}

test("several formats at once: files, and one on standard output with nothing else", async () => {
  commit();
  git("remote", "add", "origin", "https://user:secret@example.org/tree.git");
  const { code, stdout, stderr } = await scan("--format", "sarif", "--output", "out/x.sarif", "--format", "github");
  assert.equal(code, 1, stderr);
  assert.match(stdout, /^::error file=app\/Dockerfile,line=1,endLine=2,title=high%3A root::root: .*\n$/);
  assert.match(stderr, /configuration: \.fettle\.yaml/);
  const text = readFileSync(join(tree, "out/x.sarif"), "utf8");
  assert.doesNotMatch(text, /secret/);
  const [run] = JSON.parse(text).runs;
  const [result] = run.results;
  assert.equal(result.locations[0].physicalLocation.artifactLocation.uri, "app/Dockerfile");
  assert.match(result.partialFingerprints.primaryLocationLineHash, /^[0-9a-f]+:1$/);
  assert.equal(run.versionControlProvenance[0].repositoryUri, "https://example.org/tree.git");
});

test("a comment with a reason, and a baseline, keep what is known from failing", async () => {
  write("b/Dockerfile", "# fettle ignore-file=root: only for tests", "FROM b");
  assert.deepEqual(await found(), ["app/Dockerfile root"]);
  assert.deepEqual(await found("--baseline", "known.json", "--update-baseline"), []);
  const baseline = readFileSync(join(tree, "known.json"), "utf8");
  write("app/Dockerfile", "", "FROM a", "USER root", "RUN x");
  write("new/Dockerfile", "FROM c");
  rmSync(join(tree, "b"), { recursive: true });
  assert.deepEqual(await found("--baseline", "known.json"), ["new/Dockerfile root"]);
  assert.equal(readFileSync(join(tree, "known.json"), "utf8"), baseline);
  rmSync(join(tree, "app"), { recursive: true });
  const { stderr } = await scan("--baseline", "known.json");
  assert.match(stderr, /not found any more: root in app\/Dockerfile/);
});

test("--diff-base reports what a change brought, not what was there", async () => {
  write("old/Dockerfile", "FROM b");
  write("clean/Dockerfile", "");
  commit();
  write("app/Dockerfile", "FROM a", "USER root", "RUN changed");
  write("clean/Dockerfile", "FROM c");
  write("untracked/Dockerfile", "FROM c");
  assert.deepEqual(await found("--diff-base", "HEAD"), ["clean/Dockerfile root", "untracked/Dockerfile root"]);
});

test("the command line counts more than .fettle.yaml, which does what it says otherwise", async () => {
  write(".fettle.yaml", ...config, "fail_on: critical", "outputs:", "  - { format: markdown, output: page.md }");
  const { code, stdout } = await scan();
  assert.equal(code, 0);
  assert.match(stdout, /1 found: 1 high/);
  assert.match(readFileSync(join(tree, "page.md"), "utf8"), /^### Fettle: 1 finding\n/);
  rmSync(join(tree, "page.md"));
  assert.equal((await scan("--fail-on", "high", "--format", "json")).code, 1);
  assert.equal(existsSync(join(tree, "page.md")), false);
  assert.deepEqual(await found("--exclude", "app/**", "--fail-on", "low"), []);
});

test("names of any characters, in every format", async () => {
  const names = [
    "new\nline\n::error::x",
    "\u001b[31mred\u009b2J",
    "\"'`<b>&%0A|",
    "ünï 日本 🦄",
    "%2e%2e",
    "-x",
    "\u202egnp",
  ];
  for (const name of names) write(`${name}/Dockerfile`, "FROM a");
  const files = scanFormats.flatMap(({ name }) => ["--format", name, "--output", `out/${name}`]);
  const { code, stdout, stderr } = await scan(...files);
  assert.equal(code, 1, stderr);
  for (const text of [stdout, ...scanFormats.map(({ name }) => readFileSync(join(tree, "out", name), "utf8"))]) {
    assert.doesNotMatch(text, /(?!\n)\p{Cc}/u);
    assert.doesNotMatch(text, /^::error::x/m);
  }
  const { runs } = JSON.parse(readFileSync(join(tree, "out/sarif"), "utf8"));
  const uris: readonly string[] = runs[0].results.map(
    (result: { locations: readonly [{ physicalLocation: { artifactLocation: { uri: string } } }] }) =>
      result.locations[0].physicalLocation.artifactLocation.uri,
  );
  const paths = uris.map(decodeURIComponent).sort();
  assert.deepEqual(paths, ["app/Dockerfile", ...names.map((name) => `${name}/Dockerfile`)].sort());
});

/** The script of a step of action.yml. */
function stepOf(name: string): string {
  const { runs }: { runs: { steps: readonly { name?: string; run?: string }[] } } = parse(
    readFileSync(join(packageRoot, "action.yml"), "utf8"),
  );
  return runs.steps.find((step) => step.name === name)!.run!;
}

test("the GitHub Action: results in three places, the exit code, and inputs that are no script", () => {
  commit();
  write(".git/info/exclude", "temp");
  mkdirSync(join(tree, "temp"));
  const files = { GITHUB_OUTPUT: join(tree, "temp/output"), GITHUB_STEP_SUMMARY: join(tree, "temp/summary") };
  writeFileSync(files.GITHUB_OUTPUT, "");
  const inputs = {
    INPUT_MODEL: model,
    INPUT_PATHS: "$(touch ran)\n`touch ran`; touch ran\napp\n",
    INPUT_FAIL_ON: "high",
    INPUT_BASELINE: "",
    INPUT_DIFF_BASE: "",
    INPUT_ARGUMENTS: "--no-cache\n--no-regions",
  };
  const env = { ...process.env, ...files, ...inputs, GITHUB_ACTION_PATH: packageRoot, RUNNER_TEMP: join(tree, "temp") };
  const run = (more: object): string =>
    execFileSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", stepOf("Scan")], {
      ...{ cwd: tree, encoding: "utf8", stdio: "pipe", env: { ...env, ...more } },
    });
  assert.equal(run({}), "");
  assert.equal(existsSync(join(tree, "ran")), false);
  assert.equal(readFileSync(files.GITHUB_OUTPUT, "utf8"), "exit-code=2\n");
  assert.match(run({ INPUT_PATHS: "app\n" }), /^::error file=app\/Dockerfile,/);
  const sarif = join(tree, "temp/fettle.sarif");
  assert.match(readFileSync(files.GITHUB_OUTPUT, "utf8"), new RegExp(`\nsarif-file=${sarif}\nexit-code=1\n$`));
  assert.equal(JSON.parse(readFileSync(sarif, "utf8")).runs[0].results.length, 1);
  assert.match(readFileSync(files.GITHUB_STEP_SUMMARY, "utf8"), /^### Fettle: 1 finding\n/);
});

test("a hook names every file of a change, and gets those that the model is for", async () => {
  write("app/main.ts", "x");
  assert.deepEqual(await found("--only-matching", "app/main.ts", "app/Dockerfile"), ["app/Dockerfile root"]);
  assert.deepEqual(await found("--only-matching", "app/main.ts"), []);
});

test("what cannot be done ends with exit code 2, and says what to do", async () => {
  const refused = async (words: readonly string[], message: RegExp): Promise<void> => {
    const { code, stdout, stderr } = await scan(...words);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, message);
  };
  await refused(["--baseline", "none.json"], /there is no baseline[\s\S]*--update-baseline/);
  await refused(["--diff-base", "nope"], /git knows no commit "nope"/);
  await refused(["--format", "sarif", "--format", "json"], /standard output takes one format/);
  await refused(["no-such-folder"], /no such file or folder/);
  write(".fettle.yaml", "model: org/name", "outputs: [{ format: json, output: ../x }]", "thresholds: { rot: 1 }");
  await refused([], /stays in the tree/);
});
