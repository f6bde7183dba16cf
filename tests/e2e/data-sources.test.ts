/** Data in archives and on the hub through the command line: looked at, checked for a run, and its parts told. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettle, fettleJson } from "../helpers/cli.ts";
import { HubServer } from "../helpers/hub-server.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-data-e2e-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const archive = join(scratch, "set.tar.gz");
const model = join(scratch, "model");
const commit = "0123456789abcdef0123456789abcdef01234567";
let server: HubServer;
let env: Record<string, string>;

function rows(name: string, count: number): string {
  const lines = Array.from({ length: count }, (_, i) => ({
    code: `int f${i}() { return ${i}; } // ${name}`,
    target: i % 2,
  }));
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

before(async () => {
  const parts = { train: rows("train", 12), valid: rows("valid", 4), test: rows("test", 6) };
  const entries = Object.entries(parts).map(([name, body]) => ({
    header: { name: `${name}.jsonl`, size: body.length },
    body,
  }));
  writeFileSync(archive, gzipSync(await packTar(entries)));
  writeSmallModel(model);
  server = await HubServer.start();
  const classes = new Uint8Array(readFileSync(join(packageRoot, "tests/fixtures/parquet/classes.parquet")));
  server.datasets["org/classes"] = {
    commit,
    files: { "data/train-00000-of-00001.parquet": classes, "data/test-00000-of-00001.parquet": classes },
  };
  env = {
    HF_HOME: join(scratch, "home"),
    HF_ENDPOINT: server.endpoint,
    HF_HUB_CACHE: "",
    HF_TOKEN: "",
    HF_HUB_OFFLINE: "",
  };
});
after(() => server[Symbol.asyncDispose]());

function recipeOf(data: object): string {
  const path = join(scratch, "recipe.yaml");
  writeFileSync(path, JSON.stringify({ base: model, device: "reference", data, training: { max_steps: 1 } }));
  return path;
}

test("an archive is looked at as a whole, and a file in it", async () => {
  const whole = (await fettleJson(["inspect", archive], 0)) as { files: Record<string, number>; rows: number };
  assert.equal(whole.rows, 22);
  assert.deepEqual(Object.values(whole.files), [12, 4, 6]);
  const one = (await fettleJson(["inspect", join(archive, "valid.jsonl")], 0)) as { rows: number; labels: object };
  assert.deepEqual([one.rows, one.labels], [4, { 0: 2, 1: 2 }]);
});

test("a recipe that names an archive for training takes the other parts in it, and says so", async () => {
  const data = { train: "set.tar.gz", labels: { 0: "fixed", 1: "vulnerable" } };
  const { code, stderr } = await fettle(["check", recipeOf(data)], { cwd: scratch });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /data\.validation: \S+set\.tar\.gz\/valid\.jsonl \(data\.train holds validation rows too/);
  assert.match(stderr, /data\.test: \S+set\.tar\.gz\/test\.jsonl/);
  const checked = (await fettleJson(["check", recipeOf(data)], 0, { cwd: scratch })) as {
    data: { train: { rows: number }; validation: { rows: number } };
  };
  assert.deepEqual([checked.data.train.rows, checked.data.validation.rows], [12, 4]);
});

test("one file of an archive is that file alone, and each part may be named", async () => {
  const alone = await fettle(["check", recipeOf({ train: "set.tar.gz/train.jsonl" })], { cwd: scratch });
  assert.equal(alone.code, 0, alone.stderr);
  assert.doesNotMatch(alone.stderr, /data\.validation/);
  const named = await fettle(["check", recipeOf({ train: "set.tar.gz", validation: "set.tar.gz" })], { cwd: scratch });
  assert.equal(named.code, 0, named.stderr);
  writeFileSync(join(scratch, "rows.tar"), await packTar([{ header: { name: "rows.jsonl", size: 0 }, body: "" }]));
  const same = await fettle(["check", recipeOf({ train: "rows.tar", validation: "rows.tar" })], { cwd: scratch });
  assert.equal(same.code, 2);
  assert.match(same.stderr, /its names do not tell validation rows from others/);
  writeFileSync(join(scratch, "plain"), rows("train", 4));
  const plain = await fettle(["check", recipeOf({ train: ["plain", "set.tar.gz"], test: "plain" })], { cwd: scratch });
  assert.match(plain.stderr, /plain is in another set too/);
});

test("a data set of the hub is read by name, with the names of its classes, and pinned to its commit", async () => {
  const looked = (await fettleJson(["inspect", "hf:org/classes"], 0, { env })) as {
    formatReason: string;
    rows: number;
  };
  assert.equal(looked.rows, 16);
  assert.match(looked.formatReason, /its metadata names the classes of label: World, Sports, Business/);
  const recipe = recipeOf({ train: "hf:org/classes/train" });
  const { code, stderr } = await fettle(["check", recipe], { env, cwd: scratch });
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /^data\.train: hf:org\/classes@0123456789abcdef0123456789abcdef01234567\/train \(as of the hub now\)$/m,
  );
  assert.match(stderr, /format of hf:org\/classes@0123456\/data\/train-00000-of-00001\.parquet: parquet/);
  const wrong = await fettle(["inspect", "hf:classes"], { env });
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /"hf:classes" is no name of a data set.*\n.*\n.*hf:ORG\/NAME/);
});
