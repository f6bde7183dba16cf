/** Several processes train what one trains. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettle, fettleJson, finish } from "../helpers/cli.ts";
import { mpirunMissing, runByMpi, runProcesses, startProcesses } from "../helpers/processes.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-processes-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const recipe = join(scratch, "recipe.yaml");
const fullRecipe = join(scratch, "full.yaml");
before(() => {
  writeSmallModel(join(scratch, "small"));
  writeFileSync(
    recipe,
    `base: small
device: cpu
precision: f32
data: {train: ${join(packageRoot, "examples/ag-news/train.jsonl")}, limit: 60, validation: {fraction: 0.2}}
training: {batch_size: 5, gradient_accumulation_steps: 2, max_steps: 6, learning_rate: 1e-2, logging_steps: 1}
evaluation: {eval_steps: 3, metric_for_best_model: macro_f1}
checkpoints: {save_steps: 2, save_total_limit: 5}
`,
  );
});

before(() => {
  // Packs are so short that processes have several each, and not equally many.
  writeFileSync(
    fullRecipe,
    `base: small
device: cpu
precision: f32
method: full
data: {train: ${join(packageRoot, "examples/ag-news/train.jsonl")}, limit: 60}
training: {batch_size: 10, max_steps: 6, learning_rate: 1e-3, logging_steps: 1, optim: adamw_8bit}
packing: {max_tokens: 96}
checkpoints: {save_steps: 2, save_total_limit: 5}
`,
  );
});

function output(name: string): string {
  return join(scratch, name);
}

type Line = Readonly<Record<string, unknown>> & { readonly kind: string; readonly step: number };

/** Losses, norms and metrics of a run, by step. */
function courseOf(name: string): Record<string, number> {
  const lines = readFileSync(join(output(name), "metrics.jsonl"), "utf8")
    .trim()
    .split("\n");
  const course: Record<string, number> = {};
  for (const line of lines.map((text) => JSON.parse(text) as Line)) {
    if (line.kind === "step") {
      course[`${line.step} loss`] = line.loss as number;
      course[`${line.step} norm`] = line.gradNorm as number;
    }
    if (line.kind !== "evaluation") continue;
    for (const [metric, value] of Object.entries(line.metrics as object)) course[`${line.step} ${metric}`] = value;
  }
  return course;
}

/** Relative: sums are taken in another order. */
const TOLERANCE = 2e-4;

function assertSameCourse(name: string, expected: string): void {
  const [actual, wanted] = [courseOf(name), courseOf(expected)];
  assert.deepEqual(Object.keys(actual), Object.keys(wanted));
  for (const [key, value] of Object.entries(wanted)) {
    const difference = Math.abs(actual[key]! - value);
    assert.ok(difference <= TOLERANCE * Math.max(Math.abs(value), 1e-2), `${key}: ${actual[key]} against ${value}`);
  }
}

function words(name: string, ...more: string[]): string[] {
  return ["train", recipe, "--output", output(name), ...more];
}

describe("several processes", () => {
  before(async () => {
    const { code, stderr } = await fettle(words("one"));
    assert.equal(code, 0, stderr);
  });

  test("3 over TCP take the course of one, and rank 0 alone speaks", async () => {
    const results = await runProcesses(3, words("three"));
    for (const [rank, { code, stdout, stderr }] of results.entries()) {
      assert.equal(code, 0, stderr);
      if (rank > 0) assert.equal(stdout + stderr, "");
    }
    assert.match(results[0]!.stderr, /processes: 3 \(started by torchrun\)/);
    assertSameCourse("three", "one");
  });

  test("2 over MPI take the course of one", { skip: mpirunMissing }, async () => {
    const { code, stderr } = await runByMpi(2, words("mpi"));
    assert.equal(code, 0, stderr);
    assertSameCourse("mpi", "one");
  });

  test("--processes starts them, and gives rank 0's answer", async () => {
    const json = await fettleJson(words("two", "--processes", "2"), 0);
    assert.equal(json.status, "finished");
    assertSameCourse("two", "one");
    const again = await fettleJson(words("two", "--processes", "2"), 2);
    assert.equal((again.error as { readonly code: string }).code, "run/exists");
  });

  test("full fine-tuning with states and gradients divided takes the course of one, and its checkpoint is gone on with", async () => {
    const full = (name: string, ...more: string[]): string[] => [
      ...["train", fullRecipe, "--output", output(name), ...more],
    ];
    assert.equal((await fettle(full("full"))).code, 0);
    const { code, stderr } = await fettle(full("zero", "--processes", "3", "--set", "training.zero_stage=2"));
    assert.equal(code, 0, stderr);
    assertSameCourse("zero", "full");
    for (const late of ["step-000006", "step-000004"])
      rmSync(join(output("zero"), "checkpoints", late), { recursive: true });
    const resumed = await fettle(full("zero", "--resume", "--processes", "2", "--set", "training.zero_stage=1"));
    assert.equal(resumed.code, 0, resumed.stderr);
    assertSameCourse("zero", "full");
  });

  test("what each of several keeps is foreseen", async () => {
    const optimizer = async (...more: string[]): Promise<number> => {
      const { memory } = await fettleJson(["check", fullRecipe, ...more], 0);
      return (memory as { readonly optimizer: number }).optimizer;
    };
    const alone = await optimizer();
    assert.equal(await optimizer("--gpus", "2"), alone);
    const divided = await optimizer("--gpus", "2", "--set", "training.zero_stage=1");
    // Parameters are not cut: the embedding is most of this model.
    assert.ok(divided >= alone / 2 && divided < alone * 0.9, `${divided} of ${alone}`);
  });

  test("a checkpoint of two is gone on with by one, and one of one by three", async () => {
    for (const [before, name, then] of [
      ["two", "two-one", 1],
      ["one", "one-three", 3],
    ] as const) {
      cpSync(output(before), output(name), { recursive: true });
      for (const late of ["step-000006", "step-000004"]) {
        rmSync(join(output(name), "checkpoints", late), { recursive: true, force: true });
      }
      const { code, stderr } = await fettle(words(name, "--resume", "--processes", String(then)));
      assert.equal(code, 0, stderr);
      assert.match(stderr, /resuming after step [23] /);
      assertSameCourse(name, "one");
    }
  });

  function newest(name: string): number {
    const checkpoints = join(output(name), "checkpoints");
    const steps = (existsSync(checkpoints) ? readdirSync(checkpoints) : []).map((one) =>
      Number(/^step-(\d+)$/.exec(one)?.[1]),
    );
    return Math.max(0, ...steps.filter((step) => step > 0));
  }

  /** Two processes of a run that would go on for long, once there is a checkpoint of a step after `last`. */
  async function startLong(name: string, last = 0, ...more: string[]): Promise<ChildProcess[]> {
    const long = words(name, "--set", "training.max_steps=100000", ...more);
    const children = await startProcesses(2, () => long);
    while (newest(name) <= last && children[0]!.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 20));
    return children;
  }

  for (const lost of [0, 1]) {
    test(`when rank ${lost} is killed the other ends with one clear message, and the checkpoint resumes`, async () => {
      const name = `lost${lost}`;
      const children = await startLong(name);
      const results = children.map(finish);
      children[lost]!.kill("SIGKILL");
      const { code, stderr } = await results[1 - lost]!;
      assert.equal(code, 2);
      assert.equal(stderr.match(/^error: .*$/gm)?.length, 1);
      assert.match(stderr, new RegExp(`error: rank ${lost} of 2 .* is gone: `));
      const last = newest(name);
      const resumed = await startLong(name, last, "--resume");
      const ends = resumed.map(finish);
      resumed[0]!.kill("SIGTERM");
      assert.deepEqual(
        (await Promise.all(ends)).map((end) => end.code),
        [0, 0],
      );
      assert.ok(newest(name) > last);
    });
  }

  test("a signal to one of them ends all in good order", async () => {
    const children = await startLong("stopped");
    const results = children.map(finish);
    children[1]!.kill("SIGTERM");
    const [first, second] = await Promise.all(results);
    assert.deepEqual([first!.code, second!.code], [0, 0], first!.stderr);
    assert.match(first!.stdout, /interrupted after/);
  });

  test("what one cannot do is told once, with its rank", async () => {
    const set = (rank: number): string[] => (rank === 0 ? [] : ["--set", "seed=7"]);
    const children = await startProcesses(2, (rank) => words("differ", ...set(rank)));
    const [first, second] = await Promise.all(children.map(finish));
    assert.deepEqual([first!.code, second!.code], [2, 2]);
    assert.match(first!.stderr, /rank 1 trains something else than rank 0: seed was/);
    assert.equal(second!.stdout + second!.stderr, "");

    const missing = await startProcesses(2, (rank) => ["train", rank === 0 ? recipe : join(scratch, "none.yaml")]);
    const [told, silent] = await Promise.all(missing.map(finish));
    assert.match(told!.stderr, /error: on rank 1 .*none\.yaml/s);
    assert.equal(silent!.stdout + silent!.stderr, "");
  });
});
