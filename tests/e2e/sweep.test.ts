import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { evaluate } from "../../src/app/api/evaluate.ts";
import { loadModel } from "../../src/app/api/load-model.ts";
import { train } from "../../src/app/api/train.ts";
import { sweep } from "../../src/app/sweep/run-sweep.ts";
import type { SweepResult } from "../../src/app/sweep/sweep-result.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettle, fettleJson } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-sweep-"));
const examples = join(packageRoot, "examples/java-vulnerabilities");
const recipe = join(folder, "java.yaml");
const file = join(folder, "java.sweep.yaml");
const output = join(folder, "runs");

before(() => {
  writeSmallModel(join(folder, "model"));
  writeFileSync(
    recipe,
    `base: model
task_type: SEQ_CLS
method: lora
lora: {r: 4}
threads: 1
data:
  train: ${examples}/train.jsonl
  validation: ${examples}/validation.jsonl
  test: ${examples}/test.jsonl
  columns: {text: code, label: target}
  labels: {"0": fixed, "1": vulnerable}
template: {max_length: 90}
training: {max_steps: 4, batch_size: 8, learning_rate: 1e-2}
`,
  );
  writeFileSync(
    file,
    `recipe: java.yaml
metric: roc_auc
grid:
  lora.r: [2, 4]
  large_functions:
    ignored: {template.too_long: skip}
    included: {template.too_long: cut}
`,
  );
});
after(() => rmSync(folder, { recursive: true }));

const seen = ({ runs }: SweepResult): string[] => runs.map(({ status, result }) => `${status}${result ? "+" : ""}`);

describe("fettle sweep", () => {
  it("stops in good order, goes on, and ends as runs alone do", async () => {
    const stop = new AbortController();
    const first = await sweep(file, {
      output,
      signal: stop.signal,
      onRun: ({ result }, index) => {
        if (index === 2 && result === null) stop.abort();
      },
    });
    assert.ok(first.interrupted);
    assert.equal(first.runs.filter(({ result }) => result).length, 1);
    assert.ok(seen(first).includes("interrupted"));

    const started: string[] = [];
    const second = await sweep(file, {
      output,
      onPlan: ({ runs, done }) => assert.deepEqual([runs, done], [4, 1]),
      onRun: ({ name, result }) => void (result === null && started.push(name)),
    });
    assert.equal(started.length, 3);
    assert.deepEqual(seen(second), ["finished+", "finished+", "finished+", "finished+"]);
    for (const { name, result, labels } of second.runs) {
      const set = [
        `lora.r=${labels["lora.r"]}`,
        `template.too_long=${labels.large_functions === "ignored" ? "skip" : "cut"}`,
      ];
      const alone = await train(recipe, { set, output: join(folder, "alone", name) });
      assert.equal(result!.weightsSha256, alone.weightsSha256, name);
    }
  });

  it("scores as fettle eval does, and chooses by the validation rows", async () => {
    const { runs, best, metric } = JSON.parse(readFileSync(join(output, "sweep.json"), "utf8")) as SweepResult;
    assert.equal(metric, "roc_auc");
    const [first] = runs;
    using model = await loadModel(first!.folder, { threads: 1 });
    for (const set of ["validation", "test"] as const) {
      const { metrics, rows } = await evaluate(model, { data: [join(examples, `${set}.jsonl`)] });
      assert.equal(first!.result![set]!.rows, rows);
      for (const [name, value] of Object.entries(first!.result![set]!.metrics)) {
        assert.equal(value, metrics![name]!.value, `${set} ${name}`);
      }
    }
    const validated = runs.map(({ result }) => result!.validation!.metrics.roc_auc!);
    const chosen = runs.findIndex(({ name }) => name === best);
    assert.equal(validated[chosen], Math.max(...validated));
  });

  it("skips what is done, and shows the table and a page without scripts", async () => {
    const { code, stdout, stderr } = await fettle(["sweep", file, "--output", output]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /4 runs, 4 of them done already/);
    assert.match(stdout, /lora\.r +large_functions +validation ROC AUC % +test accuracy %/);
    assert.match(stdout, /the test rows had no say/);
    // Functions longer than 90 tokens are left out of two of the runs.
    assert.match(stdout, / test rows .*not all runs were scored on the same rows/s);
    const page = readFileSync(join(output, "report.html"), "utf8");
    assert.equal(page.match(/<svg /g)!.length, 2);
    assert.doesNotMatch(page, /<script|https?:\/\/(?!www\.w3\.org)/);
  });

  it("refuses a folder with runs of something else, naming what differs", async () => {
    const words = ["sweep", file, "--output", output, "--set", "training.learning_rate=1e-3"];
    const { error } = (await fettleJson(words, 2)) as { error: { code: string; errors: { message: string }[] } };
    assert.equal(error.code, "sweep/other-runs");
    assert.equal(error.errors.length, 4);
    assert.match(error.errors[0]!.message, /training\.learning_rate was 0\.01, is 0\.001/);
  });

  it("goes on after a run that fails, and ends with 1 and its name", async () => {
    const failing = join(folder, "failing.sweep.yaml");
    writeFileSync(failing, `recipe: java.yaml\ngrid: {warm_start: [nowhere, null]}\nset: {training.max_steps: 1}\n`);
    const result = await fettleJson(["sweep", failing, "--output", join(folder, "failing")], 1);
    assert.deepEqual(result.failed, ["warm_start-nowhere"]);
    const [failed, fine] = result.runs as SweepResult["runs"];
    assert.equal(failed!.status, "failed");
    assert.match(failed!.error!, /nowhere/);
    assert.equal(fine!.status, "finished");
  });

  it("refuses before anything is trained what some combination cannot be", async () => {
    const words = ["sweep", recipe, "--grid", "template.max_length=64,4096", "--output", join(folder, "never")];
    const { error } = (await fettleJson(words, 2)) as { error: { errors: { message: string; where: string }[] } };
    assert.equal(error.errors.length, 1);
    assert.match(error.errors[0]!.message, /max_length is 4096.*\(in max_length-4096\)/);
    assert.match(error.errors[0]!.where, /^--grid template\.max_length=64,4096/);
    await fettleJson(["sweep", recipe, "--grid", "lora.r=2,4", "--metric", "roc-auc"], 2);
  });

  it("says with --dry-run what it would do, and writes nothing", async () => {
    const words = ["sweep", recipe, "--grid", "lora.r=2,4", "--dry-run", "--output", join(folder, "dry")];
    const { runs } = (await fettleJson(words, 0)) as unknown as SweepResult;
    assert.deepEqual(
      runs.map(({ name, status }) => [name, status]),
      [
        ["r-2", "not started"],
        ["r-4", "not started"],
      ],
    );
    assert.throws(() => readFileSync(join(folder, "dry/sweep.json")));
  });

  it("is shared by processes, each of which does what no other has", async () => {
    const shared = join(folder, "shared");
    const shards = await Promise.all(
      ["1/2", "2/2"].map((shard) => fettle(["sweep", file, "--output", shared, "--shard", shard])),
    );
    for (const { code, stderr } of shards) assert.equal(code, 0, stderr);
    const finished = shards.flatMap(({ stderr }) => stderr.match(/^\[\d\/4\] .*(?=: finished)/gm) ?? []);
    assert.equal(new Set(finished.map((line) => line.replace(/^\S+ /, ""))).size, 4);
    assert.equal(finished.length, 4);
    const { runs, best } = JSON.parse(readFileSync(join(shared, "sweep.json"), "utf8")) as SweepResult;
    assert.equal(runs.filter(({ result }) => result !== null).length, 4);
    assert.notEqual(best, null);
    const { error } = await fettleJson(["sweep", file, "--shard", "3/2"], 2);
    assert.match((error as { readonly message: string }).message, /the second of eight/);
  });
});
