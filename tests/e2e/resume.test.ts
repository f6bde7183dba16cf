/**
 * A run killed at random moments and resumed each time ends with the same bits as one that was never stopped; with
 * dropout, accumulation, in the middle of an epoch, for every method.
 */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { Random } from "../../src/base/random.ts";
import { listCheckpoints } from "../../src/tune/train/checkpoint.ts";
import { finish, start } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-resume-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const base = join(scratch, "base");
before(() => writeSmallModel(base));

const methods: Readonly<Record<string, string>> = {
  lora: "method: lora\nlora: {r: 4, lora_dropout: 0.1}",
  qlora: "method: qlora\nlora: {r: 4}",
  full: "method: full",
  "class head, DoRA":
    "task_type: SEQ_CLS\nhead: {dense: [16, 8], dropout: 0.2}\nlora: {r: 4, use_dora: true}\n" +
    "loss: {class_weights: balanced, focal: {gamma: 1}, label_smoothing_factor: 0.1}",
};

function recipeOf(method: string, optim: string): string {
  const path = join(scratch, `${method}-${optim}.yaml`);
  writeFileSync(
    path,
    `base: ${base}
${methods[method]}
data: {train: ${join(packageRoot, "examples/ag-news/train.jsonl")}, validation: {fraction: 0.1}, limit: 150}
training: {num_train_epochs: 2, batch_size: 4, gradient_accumulation_steps: 2, optim: ${optim}, warmup_steps: 5}
evaluation: {eval_steps: 7, load_best_model_at_end: true}
checkpoints: {save_steps: 3}
`,
  );
  return path;
}

function train(recipe: string, output: string, resume: boolean): ChildProcess {
  return start(["train", recipe, "--output", output, "--json", ...(resume ? ["--resume"] : [])]);
}

/** Runs to the end, and returns the JSON object that it prints. */
async function finished(child: ChildProcess): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await finish(child);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** Kills after the given time, unless it ends before; says whether it was killed. */
async function killAfter(child: ChildProcess, milliseconds: number): Promise<boolean> {
  child.stdout!.resume();
  child.stderr!.resume();
  const timer = setTimeout(() => child.kill("SIGKILL"), milliseconds);
  const signal = await new Promise((resolve) => child.on("close", (_, name) => resolve(name)));
  clearTimeout(timer);
  return signal === "SIGKILL";
}

/** Waits until training has begun: the start of node and the reading of data are not what is to be interrupted. */
async function untilSteps(child: ChildProcess, output: string): Promise<void> {
  const metrics = join(output, "metrics.jsonl");
  const before = existsSync(metrics) ? readFileSync(metrics).length : 0;
  const checkpoints = listCheckpoints(join(output, "checkpoints")).length;
  while (child.exitCode === null && child.signalCode === null) {
    if (existsSync(metrics) && readFileSync(metrics).length !== before) return;
    if (listCheckpoints(join(output, "checkpoints")).length !== checkpoints) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

for (const [method, optim] of [
  ["lora", "adamw"],
  ["qlora", "adamw"],
  ["full", "adamw_8bit"],
  ["class head, DoRA", "adamw"],
] as const) {
  describe(`kill -9 and resume: ${method}, ${optim}`, () => {
    test("ends with the bits of a run that was never stopped", async () => {
      const recipe = recipeOf(method, optim);
      const whole = await finished(train(recipe, join(scratch, `${method}-whole`), false));
      assert.equal(whole.status, "finished");

      const output = join(scratch, `${method}-killed`);
      const random = new Random(11, method);
      let kills = 0;
      for (let attempt = 0; attempt < 6; attempt++) {
        const child = train(recipe, output, attempt > 0);
        const closed = killAfter(child, 60_000);
        await untilSteps(child, output);
        setTimeout(() => child.kill("SIGKILL"), random.integer(300));
        if (!(await closed)) break;
        kills++;
      }
      assert.ok(kills > 0, "the run ended before it could be killed");
      const resumed = await finished(train(recipe, output, true));
      assert.equal(resumed.weightsSha256, whole.weightsSha256);
      assert.deepEqual(
        readdirSync(join(output, "checkpoints")).sort(),
        readdirSync(join(scratch, `${method}-whole`, "checkpoints")).sort(),
      );
    });
  });
}

test("a run that stopped early is over: resumed, it ends with the same bits and trains no further", async () => {
  const recipe = join(scratch, "early.yaml");
  writeFileSync(
    recipe,
    `base: ${base}
data: {train: ${join(packageRoot, "examples/ag-news/train.jsonl")}, validation: {fraction: 0.2}, limit: 60}
training: {num_train_epochs: 20, batch_size: 4, learning_rate: 1e-9}
evaluation: {eval_steps: 2, early_stopping: {patience: 2, threshold: 0.1}}
`,
  );
  const output = join(scratch, "early");
  const first = await finished(train(recipe, output, false));
  assert.equal(first.status, "stopped early");
  assert.equal(first.steps, 6);
  rmSync(join(output, "adapter"), { recursive: true });
  const again = await finished(train(recipe, output, true));
  assert.equal(again.status, "stopped early");
  assert.equal(again.steps, 6);
  assert.equal(again.weightsSha256, first.weightsSha256);
});

test("a damaged checkpoint is set aside, and the one before it gone on with", async () => {
  const recipe = recipeOf("lora", "adamw");
  const output = join(scratch, "damaged");
  const whole = await finished(train(recipe, output, false));
  const newest = listCheckpoints(join(output, "checkpoints")).at(-1)!;
  const weights = join(newest, "weights.safetensors");
  writeFileSync(weights, readFileSync(weights).subarray(0, 1000));
  const again = await finished(train(recipe, output, true));
  assert.equal(again.weightsSha256, whole.weightsSha256);
  assert.ok(readdirSync(join(output, "checkpoints")).some((name) => name.startsWith("damaged-step-")));
});
