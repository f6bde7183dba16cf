/** Models of the hub through the command line: fetched, trained on, named in the run, and found again. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { type CliResult, fettle, fettleJson } from "../helpers/cli.ts";
import { goodToken, HubServer } from "../helpers/hub-server.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-hub-e2e-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const commit = "0123456789abcdef0123456789abcdef01234567";
const home = join(scratch, "home");
const snapshot = join(home, "hub/models--org--small/snapshots", commit);
const recipe = join(scratch, "recipe.yaml");
const output = join(scratch, "run");
const texts = ["--text", "Stocks fell on Monday"];
let server: HubServer;
let env: Record<string, string>;

before(async () => {
  const folder = join(scratch, "small");
  writeSmallModel(folder);
  const names = readdirSync(folder).filter((name) => name !== "LICENSE");
  const files = Object.fromEntries(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
  server = await HubServer.start();
  server.models["org/small"] = { commit, files, large: ["model.safetensors"] };
  server.models["org/gated"] = { commit, files, large: ["model.safetensors"], gated: true };
  const data = { train: join(packageRoot, "examples/ag-news/train.jsonl"), limit: 24 };
  const training = { batch_size: 8, max_steps: 2 };
  writeFileSync(recipe, JSON.stringify({ base: "org/small", device: "reference", data, training }));
  env = { HF_HOME: home, HF_ENDPOINT: server.endpoint, HF_HUB_CACHE: "", HF_TOKEN: "", HF_HUB_OFFLINE: "" };
});
after(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  server.requests.length = 0;
});

function run(words: readonly string[], changes: Record<string, string> = {}): Promise<CliResult> {
  return fettle(words, { env: { ...env, ...changes }, cwd: scratch });
}

test("check fetches all but the weights", async () => {
  const { code, stderr } = await run(["check", recipe]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^base: org\/small@0123456789abcdef0123456789abcdef01234567 \(main on the hub\)$/m);
  assert.ok(existsSync(join(snapshot, "tokenizer.json")));
  assert.ok(!existsSync(join(snapshot, "model.safetensors")));
  const inspected = await run(["inspect", "org/small"]);
  assert.match(inspected.stdout, /the weights are not fetched: fettle pull org\/small/);
});

test("pull prints the folder, and a second time fetches nothing", async () => {
  const first = await run(["pull", "org/small"]);
  assert.deepEqual([first.code, first.stdout], [0, `${snapshot}\n`], first.stderr);
  assert.match(first.stderr, /fetched$/m);
  const again = await fettleJson(["pull", `org/small@${commit}`], 0, { env });
  assert.deepEqual(again, {
    kind: "pull",
    repo: "org/small",
    revision: commit,
    commit,
    folder: snapshot,
    bytesFetched: 0,
  });
});

test("a run names repository and commit, and is asked with and without the cache", async () => {
  const trained = await run(["train", recipe, "--output", output]);
  assert.equal(trained.code, 0, trained.stderr);
  const info = JSON.parse(readFileSync(join(output, "run.json"), "utf8"));
  assert.deepEqual(info.hub, { repo: "org/small", revision: "main", commit });
  assert.match(
    readFileSync(join(output, "recipe.yaml"), "utf8"),
    new RegExp(`^base: org/small@${commit} # auto: main`, "m"),
  );
  const adapter = JSON.parse(readFileSync(join(output, "adapter/adapter_config.json"), "utf8"));
  assert.deepEqual([adapter.base_model_name_or_path, adapter.revision], ["org/small", commit]);

  const options = ["--device", "reference", "--labels", "World,Sports,Business,Sci/Tech", ...texts];
  const answers: string[] = [];
  for (const model of [output, join(output, "adapter")]) {
    rmSync(join(home, "hub"), { recursive: true });
    const { code, stdout, stderr } = await run(["predict", model, ...options]);
    assert.equal(code, 0, stderr);
    assert.ok(existsSync(join(snapshot, "model.safetensors")));
    answers.push(stdout);
  }
  const offline = await run(["predict", output, ...options], { HF_HUB_OFFLINE: "1" });
  assert.equal(offline.code, 0, offline.stderr);
  assert.equal(offline.stdout, answers[0]);
});

test("a run is gone on with on its own commit, wherever the branch is by now", async () => {
  const model = server.models["org/small"]!;
  server.models["org/small"] = { ...model, commit: "f".repeat(40) };
  try {
    const resumed = await run(["train", recipe, "--output", output, "--resume"]);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.match(resumed.stderr, /^base: org\/small@0123/m);
    const other = await run(["train", recipe, "--output", output, "--resume", "--set", "base=org/small@main2"]);
    assert.equal(other.code, 2);
    assert.match(other.stderr, /org\/small has no branch, tag or commit main2/);
  } finally {
    server.models["org/small"] = model;
  }
});

test("training starts from an adapter of the hub, whose commit the run names", async () => {
  const adapter = join(output, "adapter");
  const names = ["adapter_config.json", "adapter_model.safetensors"];
  const files = Object.fromEntries(names.map((name) => [name, new Uint8Array(readFileSync(join(adapter, name)))]));
  server.models["org/adapter"] = { commit: "a".repeat(40), files, large: ["adapter_model.safetensors"] };
  const sha256: unknown[] = [];
  for (const start of ["org/adapter", adapter]) {
    const folder = join(scratch, `from-${sha256.length}`);
    const words = ["train", recipe, "--output", folder, "--set", `warm_start=${start}`];
    sha256.push((await fettleJson(words, 0, { env })).weightsSha256);
  }
  assert.equal(sha256[0], sha256[1]);
  const resolved = readFileSync(join(scratch, "from-0/recipe.yaml"), "utf8");
  assert.match(resolved, /^warm_start: org\/adapter@a{40} # auto: main on the hub$/m);
  const none = await run(["train", recipe, "--output", join(scratch, "none"), "--set", "warm_start=./nothing"]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /there is no folder .*nothing to start from/);
});

test("the cache is where the recipe says", async () => {
  const { code, stderr } = await run(["check", recipe, "--set", "cache.models=elsewhere"]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(readdirSync(join(scratch, "elsewhere")).sort(), [".locks", "models--org--small"]);
});

test("a model of the hub stands where a folder does, and a folder comes first", async () => {
  const labels = ["--device", "reference", "--labels", "World,Sports", ...texts];
  const { code, stderr } = await run(["predict", "org/small", ...labels]);
  assert.equal(code, 0, stderr);
  server.requests.length = 0;
  const local = await run(["predict", "run/adapter", ...labels, "--base", "small"]);
  assert.equal(local.code, 0, local.stderr);
  assert.deepEqual(server.requests, []);
});

test("a gated model: exit code 2 and what to do, and with the token it is let in", async () => {
  const refused = await run(["pull", "org/gated"]);
  assert.equal(refused.code, 2);
  assert.match(
    refused.stderr,
    /error: org\/gated is gated, and there is no token\n {2}where: .*\n {2}fix: accept the licence/,
  );
  writeFileSync(join(home, "token"), `${goodToken}\n`);
  const { code, stderr } = await run(["pull", "org/gated"]);
  rmSync(join(home, "token"));
  assert.equal(code, 0, stderr);
});

test("what cannot be had ends with 2", async () => {
  for (const [words, changes, says] of [
    [["pull", "org/nothing"], {}, /neither a folder org\/nothing here nor a model of that name on the hub/],
    [["pull", "nonsense"], {}, /"nonsense" is no name of a model on the hub/],
    [["train", recipe, "--set", "base=org/nothing"], {}, /neither a folder org\/nothing here/],
    [["predict", "org/small@v2", "--text", "a"], {}, /no branch, tag or commit v2/],
    [["pull", "org/small"], { HF_ENDPOINT: "nowhere" }, /HF_ENDPOINT is no address: "nowhere"/],
    [["pull", "org/other"], { HF_HUB_OFFLINE: "1" }, /HF_HUB_OFFLINE forbids to fetch it/],
    [["pull", "org/other"], { HF_ENDPOINT: "http://127.0.0.1:2" }, /cannot be fetched: connect ECONNREFUSED/],
    [["pull", "org/small"], { HF_TOKEN: "a b\nc" }, /characters that no token has/],
  ] as const) {
    const { code, stderr } = await run(words, changes);
    assert.equal(code, 2, stderr);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /bug in Fettle/);
  }
});
