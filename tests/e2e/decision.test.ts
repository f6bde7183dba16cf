/** How probabilities are read after training: inspected, kept where a finished run is resumed, changed on the way. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { calibrate } from "../../src/app/api/calibrate.ts";
import { loadModel } from "../../src/app/api/load-model.ts";
import { type RecipeInput, train } from "../../src/app/api/train.ts";
import type { DecisionFacts } from "../../src/app/inspect/decision-facts.ts";
import { inspectPath } from "../../src/app/inspect/inspect-path.ts";
import type { RunEvent } from "../../src/base/events.ts";
import type { ClassifierFile } from "../../src/tune/train/classifier-file.ts";
import type { RunResult } from "../../src/tune/train/start-run.ts";
import { fettle } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-decision-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const base = join(scratch, "base");
writeSmallModel(base);

function rows(name: string, count: number, shift: number): string {
  const path = join(scratch, `${name}.jsonl`);
  const lines = Array.from({ length: count }, (_, i) => {
    return JSON.stringify({
      text: `${name} ${i} ${(i * 7 + shift) % 5 > 1 ? "rain" : "sun"}`,
      label: i % 3 ? "no" : "yes",
    });
  });
  writeFileSync(path, lines.join("\n"));
  return path;
}

const data = { train: rows("train", 30, 0), validation: rows("valid", 20, 1) };
const others = rows("others", 20, 2);
const recipe: RecipeInput = {
  base,
  task_type: "SEQ_CLS",
  data,
  training: { max_steps: 6, batch_size: 4, learning_rate: 1e-2 },
  evaluation: { eval_steps: 2, calibration: "temperature" },
};
const f1: NonNullable<RecipeInput["evaluation"]> = { threshold: { choose: "f1" } };

async function run(
  options: RecipeInput,
  output: string,
  resume: boolean,
): Promise<{ result: RunResult; notes: string }> {
  const events: RunEvent[] = [];
  const result = await train(options, { output, resume, onEvent: (event) => events.push(event) });
  const notes = events.flatMap((event) => (event.kind === "note" ? [event.message] : [])).join("\n");
  return { result, notes };
}

function fileOf(folder: string): ClassifierFile {
  return JSON.parse(readFileSync(join(folder, "adapter/classifier.json"), "utf8")) as ClassifierFile;
}

test("inspect says how a run, its adapter and a classifier of more labels come to a label, and what was chosen on", async () => {
  const output = join(scratch, "inspected");
  await run({ ...recipe, evaluation: { ...recipe.evaluation, ...f1 } }, output, false);
  const { temperature, thresholds, chosen_on } = fileOf(output);
  const [ofRun, ofAdapter] = [await inspectPath(output), await inspectPath(join(output, "adapter"))];
  assert.ok(ofRun.kind === "run" && ofAdapter.kind === "adapter");
  assert.deepEqual(ofRun.labels, ["no", "yes"]);
  assert.deepEqual(ofRun.decision, {
    ...{ temperature, thresholds, positiveLabel: "yes", costs: null, chosenOn: chosen_on },
    rule: "the positive label from its threshold on",
  });
  assert.deepEqual([ofAdapter.labels, ofAdapter.decision], [ofRun.labels, ofRun.decision]);
  const { stdout } = await fettle(["inspect", output]);
  assert.match(stdout, /labels +no, yes\n/);
  assert.match(stdout, /decision\n {2}temperature +[\d.]+\n[\s\S]* {2}thresholds\n {4}yes +[\d.]+\n/);
  assert.match(stdout, /chosenOn\n {4}data +validation\n {4}rows +20\n/);

  const costs = [
    [0, 3],
    [1, 0],
  ];
  const file = { ...fileOf(output), thresholds: null, costs };
  writeFileSync(join(output, "adapter/classifier.json"), JSON.stringify(file));
  const { decision } = (await inspectPath(output)) as { decision: DecisionFacts };
  assert.deepEqual(decision.costs, { no: { no: 0, yes: 3 }, yes: { no: 1, yes: 0 } });
  assert.equal(decision.rule, "the label with the least expected cost");
});

test("training ends with the command that measures, on the run's own test rows where it has some", async () => {
  const path = join(scratch, "recipe.yaml");
  const last = async (own: object, output: string): Promise<string> => {
    writeFileSync(path, JSON.stringify({ ...recipe, data: { ...data, ...own }, training: { max_steps: 1 } }));
    const { stdout } = await fettle(["train", path, "--output", join(scratch, output)]);
    return stdout.trimEnd().split("\n").at(-1)!;
  };
  assert.match(await last({}, "without"), /^Next: fettle eval \S+\/without --data FILE, or fettle predict/);
  assert.match(await last({ test: others }, "with"), /^Next: fettle eval \S+\/with, or fettle predict/);
  const part = { validation: { fraction: 0.2 }, test: { fraction: 0.2 } };
  assert.match(await last(part, "part"), /^Next: fettle eval \S+\/part, or fettle predict/);
  assert.match((await fettle(["eval", join(scratch, "part")])).stdout, /accuracy/);
});

describe("a finished run, resumed", () => {
  test("keeps what was calibrated for its weights, and nothing of other weights", async () => {
    const output = join(scratch, "calibrated");
    const first = await run(recipe, output, false);
    const trained = fileOf(output);
    assert.equal(trained.chosen_on!.data, "validation");
    {
      using model = await loadModel(output);
      const rule = {
        choose: "cost",
        min_precision: 0.9,
        false_positive: 1,
        false_negative: 9,
        cost_matrix: null,
      } as const;
      await calibrate(model, { data: [others], threshold: rule });
    }
    const calibrated = fileOf(output);
    assert.notEqual(calibrated.temperature, trained.temperature);
    assert.equal(calibrated.chosen_on!.data, "others.jsonl");

    const again = await run(recipe, output, true);
    assert.equal(again.result.weightsSha256, first.result.weightsSha256);
    assert.deepEqual(fileOf(output), calibrated);
    assert.match(again.notes, /what `fettle calibrate` chose on others\.jsonl is kept: the weights are the same/);

    // Without checkpoints it trains anew: here with another seed, to other weights.
    rmSync(join(output, "checkpoints"), { recursive: true });
    const anew = await run({ ...recipe, seed: 7 }, output, true);
    assert.notEqual(anew.result.weightsSha256, first.result.weightsSha256);
    assert.match(anew.notes, /chose on others\.jsonl is given up: it was for other weights/);
    assert.equal(fileOf(output).chosen_on!.data, "validation");
  });

  test("takes another calibration, threshold and positive label; not where the best checkpoint goes by it", async () => {
    const output = join(scratch, "changed");
    const { result } = await run(recipe, output, false);
    assert.equal(fileOf(output).thresholds, null);
    const changed = { ...recipe.evaluation, ...f1, calibration: null, positive_label: "no" };
    const again = await run({ ...recipe, evaluation: changed }, output, true);
    assert.equal(again.result.weightsSha256, result.weightsSha256);
    const { temperature, thresholds, positive_label } = fileOf(output);
    assert.deepEqual([temperature, Object.keys(thresholds!), positive_label], [null, ["no"], "no"]);
    assert.match(again.notes, /evaluation\.calibration was "temperature", is null, which reaches no weight/);
    assert.match(again.notes, /evaluation\.positive_label was null, is "no", which reaches no weight/);
    const other = { ...changed, eval_steps: 3 };
    await assert.rejects(run({ ...recipe, evaluation: other }, output, true), {
      code: "run/changed",
      message: /something else: evaluation\.eval_steps was 2, is 3$/,
    });

    const byF1 = { ...recipe, evaluation: { ...recipe.evaluation, metric_for_best_model: "f1" } } as const;
    const best = join(scratch, "best");
    await run(byF1, best, false);
    await run({ ...byF1, evaluation: { ...byF1.evaluation, ...f1 } }, best, true);
    await assert.rejects(run({ ...byF1, evaluation: { ...byF1.evaluation, positive_label: "no" } }, best, true), {
      code: "run/changed",
      message: /something else: evaluation\.positive_label was null, is "no"$/,
    });
  });
});
