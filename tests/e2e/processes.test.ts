/** Several processes train what one trains. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettle } from "../helpers/cli.ts";
import { mpirunMissing, runByMpi, runProcesses } from "../helpers/processes.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-processes-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const recipe = join(scratch, "recipe.yaml");
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

  for (const count of [2, 3]) {
    test(`${count} over TCP take the course of one, and rank 0 alone speaks`, async () => {
      const results = await runProcesses(count, words(`tcp${count}`));
      for (const [rank, { code, stdout, stderr }] of results.entries()) {
        assert.equal(code, 0, stderr);
        if (rank > 0) assert.equal(stdout + stderr, "");
      }
      assert.match(results[0]!.stderr, /processes: 2|processes: 3/);
      assertSameCourse(`tcp${count}`, "one");
    });
  }

  test("2 over MPI take the course of one", { skip: mpirunMissing }, async () => {
    const { code, stderr } = await runByMpi(2, words("mpi"));
    assert.equal(code, 0, stderr);
    assertSameCourse("mpi", "one");
  });

  test("a checkpoint of two is gone on with by one, and one of one by three", async () => {
    for (const [name, first, then] of [
      ["two-one", 2, 1],
      ["one-three", 1, 3],
    ] as const) {
      const run = async (count: number, ...more: string[]): Promise<void> => {
        const results =
          count === 1 ? [await fettle(words(name, ...more))] : await runProcesses(count, words(name, ...more));
        for (const { code, stderr } of results) assert.equal(code, 0, stderr);
      };
      await run(first);
      for (const late of ["step-000006", "step-000004"]) {
        rmSync(join(output(name), "checkpoints", late), { recursive: true });
      }
      await run(then, "--resume");
      assertSameCourse(name, "one");
    }
  });
});
