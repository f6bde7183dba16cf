/** A run that is stopped, and two processes that want the same run folder. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettleJson, finish, start } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-signals-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const recipe = join(scratch, "recipe.yaml");
before(() => {
  writeSmallModel(join(scratch, "small"));
  writeFileSync(
    recipe,
    `base: small
data: {train: ${join(packageRoot, "examples/ag-news/train.jsonl")}, limit: 200}
training: {batch_size: 4, max_steps: 100000}
checkpoints: {save_steps: 20}
`,
  );
});

/** Starts a run that would go on for long, and waits for its first checkpoint. */
async function startRun(output: string): Promise<ChildProcess> {
  const child = start(["train", recipe, "--output", output, "--json"]);
  const checkpoints = join(output, "checkpoints");
  const hasCheckpoint = (): boolean =>
    existsSync(checkpoints) && readdirSync(checkpoints).some((name) => name.startsWith("step-"));
  while (!hasCheckpoint() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
  return child;
}

test("the first signal writes a checkpoint and ends in good order; --resume goes on from it", async () => {
  const output = join(scratch, "stopped");
  const child = await startRun(output);
  const ended = finish(child);
  child.kill("SIGINT");
  const { code, stdout, stderr } = await ended;
  assert.equal(code, 0, stderr);
  const { status, steps, sha256 } = JSON.parse(stdout);
  assert.equal(status, "interrupted");
  assert.equal(sha256, null);
  const inspected = await fettleJson(["inspect", output], 0);
  assert.equal(inspected.status, "interrupted");
  assert.equal((inspected.checkpoints as string[]).at(-1), `step-${String(steps).padStart(6, "0")}`);

  const error = (await fettleJson(["eval", output, "--data", recipe], 2)).error as { code: string };
  assert.equal(error.code, "artefact/unfinished-run");
});

test("another process is refused while one writes the run, and takes over once it is gone", async () => {
  const output = join(scratch, "locked");
  const child = await startRun(output);
  const ended = finish(child);
  const { error } = await fettleJson(["train", recipe, "--output", output, "--resume"], 2);
  assert.equal((error as { code: string }).code, "run/locked");
  child.kill("SIGKILL");
  await ended;
  const second = start(["train", recipe, "--output", output, "--resume"]);
  const secondEnded = finish(second);
  let heard = "";
  await new Promise<void>((resolve) => {
    second.stderr!.on("data", (chunk) => {
      heard += chunk;
      if (heard.includes("resuming after step")) resolve();
    });
    second.once("close", () => resolve());
  });
  second.kill("SIGTERM");
  assert.equal((await secondEnded).code, 0, heard);
  assert.match(heard, /resuming after step/);
});
