/** A disk that is full while a run is saved: a clear message, exit code 2, and what was saved before is still there. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { main } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-disk-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** Exit status of the shell where small file systems cannot be mounted. */
const CANNOT_MOUNT = 77;

test("training goes on from the last whole checkpoint once there is room again", (context) => {
  writeSmallModel(join(scratch, "small"));
  const recipe = join(scratch, "recipe.yaml");
  writeFileSync(
    recipe,
    `base: small
method: full
data: {train: ${join(packageRoot, "examples/ag-news/train.jsonl")}, limit: 64}
training: {batch_size: 8}
checkpoints: {save_steps: 2, save_total_limit: 4}
`,
  );
  const disk = join(scratch, "disk");
  mkdirSync(disk);
  // A checkpoint of this model is 3.3 MB: there is room for two and a half.
  const shell = `
    mount -t tmpfs -o size=8500k none "$1" || exit ${CANNOT_MOUNT}
    "$2" "$3" train "$4" --output "$1/run" --json; echo "code $?"
    ls "$1/run/checkpoints"
    mount -o remount,size=64m "$1"
    "$2" "$3" train "$4" --output "$1/run" --json --resume; echo "code $?"`;
  const words = ["-rm", "bash", "-c", shell, "bash", disk, process.execPath, main, recipe];
  const { status, stdout, stderr } = spawnSync("unshare", words, { encoding: "utf8" });
  if (status !== 0) return context.skip("small file systems cannot be mounted here");
  const [failure, code, ...rest] = stdout.trim().split("\n");
  const { error } = JSON.parse(failure!);
  assert.equal(error.code, "files/disk-full", stderr);
  assert.equal(code, "code 2");
  const last = rest.indexOf(rest.findLast((line) => line.startsWith("{"))!);
  assert.ok(
    rest.slice(0, last).every((name) => /^step-\d{6}$/.test(name)),
    "only whole checkpoints are left",
  );
  assert.ok(last > 0, "a checkpoint from before is left");
  assert.equal(JSON.parse(rest[last]!).status, "finished", stderr);
  assert.equal(rest[last + 1], "code 0");
});
