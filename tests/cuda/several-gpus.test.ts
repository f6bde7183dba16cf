/** Two GPUs over NCCL train what one trains, adapters and whole models, with states and gradients divided too. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { lookForCuda } from "../../src/engine/device/cuda/machine.ts";
import { fettle, fettleJson, finish } from "../helpers/cli.ts";
import { cudaSkip, cudaVariables, onEmulator } from "../helpers/cuda.ts";
import { startProcesses } from "../helpers/processes.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-gpus-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** The emulator takes seconds a step, and has one card, which both processes take. */
const STEPS = onEmulator ? 2 : 12;
const skip = cudaSkip || (onEmulator ? false : tooFew());

function tooFew(): string | false {
  const { driver } = lookForCuda({});
  return (driver?.api.deviceCount() ?? 0) >= 2 ? false : "there are fewer than two GPUs";
}

function recipeOf(method: "lora" | "full"): string {
  const path = join(scratch, `${method}.yaml`);
  writeFileSync(
    path,
    `base: ${onEmulator ? join(scratch, "small") : join(packageRoot, "models/fettle-nano")}
method: ${method}
device: cuda
data: {train: ${join(packageRoot, "examples/ag-news/train.jsonl")}, limit: 60}
training: {batch_size: ${onEmulator ? 4 : 16}, max_steps: ${STEPS}, learning_rate: 5e-4, logging_steps: 1${method === "full" ? ", optim: adamw_8bit" : ""}}
packing: {max_tokens: 512}
checkpoints: {save_steps: ${STEPS / 2}}
`,
  );
  return path;
}

function lossesOf(output: string): number[] {
  const lines = readFileSync(join(output, "metrics.jsonl"), "utf8").trim().split("\n");
  return lines.flatMap((line) => {
    const event = JSON.parse(line) as { readonly kind: string; readonly loss: number };
    return event.kind === "step" ? [event.loss] : [];
  });
}

async function train(method: "lora" | "full", name: string, ...more: string[]): Promise<string> {
  const output = join(scratch, name);
  await fettleJson(["train", recipeOf(method), "--output", output, ...more], 0, { env: cudaVariables() });
  return output;
}

/** By what a loss may differ: sums of bf16 products in another order. */
const TOLERANCE = 0.02;

function assertSame(output: string, expected: string): void {
  const [actual, wanted] = [lossesOf(output), lossesOf(expected)];
  assert.equal(actual.length, STEPS);
  wanted.forEach((loss, i) => {
    assert.ok(Math.abs(actual[i]! - loss) <= TOLERANCE * loss, `step ${i + 1}: ${actual[i]} against ${loss}`);
  });
}

describe("two GPUs", { skip }, () => {
  before(() => writeSmallModel(join(scratch, "small")));

  test("an adapter takes the course of one", async () => {
    assertSame(await train("lora", "lora-2", "--gpus", "2"), await train("lora", "lora-1"));
  });

  test("a whole model too, whatever is divided, and its checkpoint is gone on with by one", async () => {
    const one = await train("full", "full-1");
    for (const stage of onEmulator ? [2] : [0, 1, 2]) {
      const two = await train("full", `full-2-${stage}`, "--gpus", "2", "--set", `training.zero_stage=${stage}`);
      assertSame(two, one);
    }
    const divided = join(scratch, "full-2-2");
    rmSync(join(divided, "checkpoints", `step-${String(STEPS).padStart(6, "0")}`), { recursive: true });
    await train("full", "full-2-2", "--resume");
    assertSame(divided, one);
  });

  test("when one is killed, the other ends with one clear message", {
    skip: onEmulator && "it cannot abort",
  }, async () => {
    const output = join(scratch, "killed");
    const words = ["train", recipeOf("lora"), "--output", output, "--set", "training.max_steps=1000000"];
    const children = await startProcesses(2, () => words, cudaVariables());
    const results = children.map(finish);
    const checkpoints = join(output, "checkpoints");
    while (children[0]!.exitCode === null && !(existsSync(checkpoints) && readdirSync(checkpoints).length > 0)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    children[1]!.kill("SIGKILL");
    const { code, stderr } = await results[0]!;
    assert.equal(code, 2, stderr);
    assert.match(stderr, /error: rank 1 of 2 .* is gone: /);
    assert.equal(stderr.match(/^error: .*$/gm)?.length, 1, stderr);
  });

  test("more processes than cards are refused", { skip: onEmulator && "it has one card" }, async () => {
    const { code, stderr } = await fettle(
      ["train", recipeOf("lora"), "--output", join(scratch, "many"), "--gpus", "99"],
      {
        env: cudaVariables(),
      },
    );
    assert.equal(code, 2);
    assert.match(stderr, /GPUs can be used here/);
  });
});
