/** `fettle check`: what a run would take, told before it, here and for a card that is elsewhere, and held to afterwards. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettle, fettleJson } from "../helpers/cli.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-check-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

// All of the model but its weights.
const base = join(scratch, "headers");
cpSync(join(packageRoot, "models/fettle-nano"), base, {
  recursive: true,
  filter: (path) => !path.endsWith(".safetensors"),
});
const recipe = join(packageRoot, "recipes/quickstart.yaml");
const small = ["--set", `base=${base}`, "--set", "data.limit=200"];

test("memory by part and time, without the weights and for another card", async () => {
  const { code, stdout, stderr } = await fettle(["check", recipe, "--gpu", "h100", ...small]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Memory on H100, MiB\n {2}frozen bf16 weights +11\n {2}adapter +2\n/);
  assert.match(stdout, /of 77\.00 GiB that may be taken/);
  assert.match(stdout, /\d+ steps of [\d,]+ tokens in 1\.0 packs, about .* in all \(an estimate: \d+ ms a step\)/);
  assert.match(stderr, /^packing\.max_tokens: \d+ \(fastest of what fits: about \d+ tokens\/s\)$/m);
});

test("--json has the same, in bytes and seconds", async () => {
  const { kind, memory, peakBytes, fits, seconds } = await fettleJson(["check", recipe, ...small], 0);
  assert.deepEqual([kind, fits], ["check", true]);
  const sum = Object.values(memory as Record<string, number>).reduce((total, bytes) => total + bytes, 0);
  assert.equal(peakBytes, sum);
  assert.ok((seconds as number) > 0);
});

test("what cannot fit is refused before anything is loaded, with what would fit", async () => {
  const full = [...small, "--set", "method=full", "--set", "memory_budget=100MiB", "--set", "lora=null"];
  const { code, stdout, stderr } = await fettle(["check", recipe, "--gpu", "h100", ...full]);
  assert.equal(code, 2, stderr);
  assert.match(stdout, /^ {2}of 100 MiB that may be taken$/m);
  assert.match(stderr, /error: the run needs 0\.\d\d GiB, H100 has 0\.10 GiB for it/);
  assert.match(stderr, /what would fit: training\.optim: adamw_8bit|what would fit: method: lora/);
});

test("a card that is not known is asked for by its memory", async () => {
  const { code, stderr } = await fettle(["check", recipe, "--gpu", "voodoo2", ...small]);
  assert.equal(code, 2);
  assert.match(stderr, /give its memory in GiB, as in --gpu 24, or one of: H100/);
});

test("a run is told what it will take, and keeps what it took", async () => {
  const output = join(scratch, "run");
  const sets = ["--set", "data.limit=200", "--set", "training.max_steps=6", "--set", "device=cpu"];
  const options = [...sets, "--output", output];
  const { code, stdout, stderr } = await fettle(["train", recipe, ...options]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^Memory on this machine, MiB$/m);
  assert.match(stdout, /^ {2}predicted \d+ MiB and .*, measured \d+ MiB and .*$/m);
  const { predicted, measured } = JSON.parse(readFileSync(join(output, "run.json"), "utf8"));
  const error = predicted.peakBytes / measured.peakBytes - 1;
  assert.ok(Math.abs(error) <= 0.1, `predicted ${predicted.peakBytes}, measured ${measured.peakBytes}`);
});
