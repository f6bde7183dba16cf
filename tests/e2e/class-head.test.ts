/**
 * Classifiers from rows to answers: with a class head and in the model's own words, with one label a row and with
 * several; what is saved is whole, and answers as what was trained.
 */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { type EvaluationResult, evaluate } from "../../src/app/api/evaluate.ts";
import { loadModel } from "../../src/app/api/load-model.ts";
import { type Prediction, predict } from "../../src/app/api/predict.ts";
import { type RecipeInput, train } from "../../src/app/api/train.ts";
import { type UserError, UserErrors } from "../../src/base/errors.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { Random } from "../../src/base/random.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-classes-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const nano = join(packageRoot, "models/fettle-nano");

const sentences: Readonly<Record<string, readonly string[]>> = {
  sport: ["the team won the match", "a goal fell in the last minute", "the coach praised his players"],
  money: ["stocks fell on Monday", "the bank raised its rates", "profits rose by a tenth"],
  tech: ["the new chip is faster", "a bug in the browser was fixed", "engineers released the software"],
};
const names = Object.keys(sentences);

/** Sentences about some of the themes, as JSON lines; every other theme is left out at random. */
function rowsFile(count: number, seed: number, rowOf: (labels: readonly string[], text: string) => object): string {
  const random = new Random(seed);
  const lines = Array.from({ length: count }, (_, i) => {
    const labels = names.filter((_name, c) => c === i % 3 || random.integer(2) === 1);
    const said = labels.map((name) => sentences[name]![random.integer(3)]!);
    return JSON.stringify(rowOf(labels, `${said.join(", ")}.`));
  });
  const path = join(scratch, `rows-${seed}-${count}.jsonl`);
  writeFileSync(path, lines.join("\n"));
  return path;
}

const single = (count: number, seed: number): string =>
  rowsFile(count, seed, ([label = "sport"], text) => ({ text: text.split(",")[0], label, count: 1 + (seed % 2) }));
const several = (count: number, seed: number): string => rowsFile(count, seed, (labels, text) => ({ text, labels }));

async function evaluated(path: string, data: string): Promise<EvaluationResult> {
  using model = await loadModel(path);
  return await evaluate(model, { data: [data] });
}

const asked = ["the bank raised its rates, a goal fell in the last minute", "the new chip is faster"];

async function predicted(path: string, base?: string): Promise<Prediction[]> {
  using model = await loadModel(path, { base });
  const predictions: Prediction[] = [];
  for await (const prediction of predict(model, { texts: asked })) predictions.push(prediction);
  return predictions;
}

const training = { num_train_epochs: 6, batch_size: 8, learning_rate: 2e-3 };

describe("classifiers, from rows to answers", () => {
  test("LoRA and a class head: better than chance, and the adapter's folder alone answers the same", async () => {
    const run = await train(
      {
        base: nano,
        task_type: "SEQ_CLS",
        data: { train: single(60, 1), validation: { fraction: 0.2 } },
        loss: { class_weights: "balanced", sample_weight: "count", focal: { gamma: 1 } },
        training,
        evaluation: { eval_steps: "epoch", metric_for_best_model: "macro_f1", load_best_model_at_end: true },
      },
      { output: join(scratch, "lora") },
    );
    assert.equal(run.status, "finished");
    const { accuracy, outsideMass, confusion } = await evaluated(run.folder, single(30, 2));
    assert.ok(accuracy > 0.8, `accuracy ${accuracy}`);
    assert.equal(outsideMass, 0);
    assert.deepEqual(confusion!.labels, ["money", "sport", "tech"]);

    const fromRun = await predicted(run.folder);
    assert.deepEqual(Object.keys(fromRun[0]!.probabilities), ["money", "sport", "tech"]);
    assert.ok(Math.abs(Object.values(fromRun[0]!.probabilities).reduce((sum, p) => sum + p, 0) - 1) < 1e-6);
    const taken = join(scratch, "taken-away");
    cpSync(join(run.folder, "adapter"), taken, { recursive: true });
    assert.deepEqual(await predicted(taken, nano), fromRun);
    const config = JSON.parse(readFileSync(join(taken, "adapter_config.json"), "utf8"));
    assert.deepEqual([config.task_type, config.modules_to_save], ["SEQ_CLS", ["score"]]);
  });

  test("full fine-tuning from a conversation's prompt: a checkpoint as transformers writes it, which is a base again", async () => {
    const recipe: RecipeInput = {
      base: nano,
      method: "full",
      task_type: "SEQ_CLS",
      template: { user: "What is this about?\n{text}" },
      data: { train: single(40, 3) },
      training: { ...training, num_train_epochs: 2, learning_rate: 3e-4 },
    };
    const run = await train(recipe, { output: join(scratch, "full") });
    const model = join(run.folder, "model");
    const config = JSON.parse(readFileSync(join(model, "config.json"), "utf8"));
    assert.deepEqual(config.architectures, ["Qwen3ForSequenceClassification"]);
    assert.deepEqual(config.id2label, { 0: "money", 1: "sport", 2: "tech" });
    assert.equal(config.problem_type, "single_label_classification");
    assert.equal(typeof config.pad_token_id, "number");
    assert.deepEqual(await predicted(model), await predicted(run.folder));

    const again = await train(
      { ...recipe, base: model, method: "lora", training: { max_steps: 1, learning_rate: 1e-9 } },
      { output: join(scratch, "again") },
    );
    const [before, after] = [await predicted(model), await predicted(again.folder)];
    before.forEach(({ probability }, i) => {
      assert.ok(Math.abs(probability - after[i]!.probability) < 1e-4);
    });
  });

  test("several labels a row under a dense layer: each label has a probability of its own", async () => {
    const run = await train(
      {
        base: nano,
        task_type: "SEQ_CLS",
        problem_type: "multi_label_classification",
        head: { dense: 32, dropout: 0.1 },
        data: { train: several(90, 4), validation: several(20, 5) },
        // There are few sentences, and both sets have them.
        prepare: { leakage: { exact: "report" } },
        loss: { class_weights: { tech: 2 }, label_smoothing_factor: 0.02 },
        training,
        evaluation: { eval_steps: "epoch" },
      },
      { output: join(scratch, "several") },
    );
    const { accuracy, microF1, confusion } = await evaluated(run.folder, several(40, 6));
    assert.ok(microF1 > 0.85, `micro F1 ${microF1}`);
    assert.ok(accuracy > 0.5, `subset accuracy ${accuracy}`);
    assert.equal(confusion, undefined);
    const [both] = await predicted(run.folder);
    for (const [name, probability] of Object.entries(both!.probabilities)) {
      assert.equal(both!.labels!.includes(name), probability >= 0.5);
    }
    const file = JSON.parse(readFileSync(join(run.folder, "adapter/classifier.json"), "utf8"));
    assert.deepEqual(file.thresholds, { money: 0.5, sport: 0.5, tech: 0.5 });
    // Thresholds are the artefact's: others give other labels for the same probabilities.
    const changed = { ...file, thresholds: { money: 0, sport: 0, tech: 1.1 } };
    writeFileSync(join(run.folder, "adapter/classifier.json"), JSON.stringify(changed));
    const [again] = await predicted(run.folder);
    assert.deepEqual(again!.probabilities, both!.probabilities);
    assert.deepEqual(again!.labels, ["money", "sport"]);
  });

  test("several labels a row in the model's own words: one question a label about a shared prompt", async () => {
    const run = await train(
      {
        base: nano,
        problem_type: "multi_label_classification",
        template: { user: "{text}\nIs it about {label}? Answer yes or no." },
        data: { train: several(60, 7), validation: { fraction: 0.2 } },
        training: { ...training, num_train_epochs: 4, batch_size: 24 },
        evaluation: { eval_steps: "epoch", metric_for_best_model: "macro_f1" },
      },
      { output: join(scratch, "questions") },
    );
    // Rows with the same sentences stay together, so the parts are not exactly a fifth and the rest.
    assert.equal(run.data.train.rows + run.data.validation!.rows, 60 * 3);
    assert.equal(run.data.train.rows % 3, 0);
    const test = several(20, 8);
    const { rows, macroF1, perClass, outsideMass } = await evaluated(run.folder, test);
    assert.equal(rows, 20);
    assert.ok(macroF1 > 0.5, `macro F1 ${macroF1}`);
    assert.ok(outsideMass < 0.5, `outside ${outsideMass}`);
    assert.deepEqual(
      perClass.map(({ label }) => label),
      ["money", "sport", "tech"],
    );
    const predictions = await predicted(run.folder);
    assert.equal(predictions.length, 2);
    for (const { probabilities, labels } of predictions) {
      assert.deepEqual(
        labels,
        Object.keys(probabilities).filter((name) => probabilities[name]! >= 0.5),
      );
    }
  });
});

describe("mistakes", () => {
  const base = join(scratch, "small");
  writeSmallModel(base);
  const fails = async (recipe: Omit<RecipeInput, "base">, expected: RegExp): Promise<void> => {
    const path = join(scratch, "wrong.json");
    writeFileSync(path, JSON.stringify({ base, ...recipe }));
    const output = join(scratch, "wrong");
    await assert.rejects(
      async () => void (await train(path, { output, dryRun: true })),
      (error: Error) => {
        const errors = error instanceof UserErrors ? error.errors : [error as UserError];
        assert.match(errors.map((one) => one.describe()).join("\n"), expected);
        return true;
      },
    );
  };

  test("a class head with what only an answer in words has", () =>
    fails(
      { task_type: "SEQ_CLS", data: { train: single(9, 1) }, template: { user: "{text}", assistant: "{label}" } },
      /template\.assistant with task_type SEQ_CLS, whose class head writes no answer · .*wrong\.json:1:\d+/,
    ));

  test("several labels without lists of labels, and lists where one label is expected", async () => {
    const data = { train: single(9, 1) };
    await fails(
      { task_type: "SEQ_CLS", problem_type: "multi_label_classification", data },
      /no row has a list of labels.*rows-1-9\.jsonl\) · .*wrong\.json:1:\d+ · .*single_label_classification/,
    );
    await fails(
      { task_type: "SEQ_CLS", data: { train: several(9, 1), columns: { label: "labels" } } },
      /the rows have lists of labels.* · .*wrong\.json.* · take problem_type multi_label_classification/,
    );
  });

  test("questions about labels that do not ask about one", () =>
    fails(
      { problem_type: "multi_label_classification", data: { train: several(9, 1) }, template: { user: "{text}" } },
      /template\.user has no \{label\} · .*wrong\.json:1:\d+/,
    ));

  test("a weight that is no number, and one for a label that is not there", async () => {
    const data = { train: single(9, 1) };
    await fails({ task_type: "SEQ_CLS", data, loss: { sample_weight: "text" } }, /text is no number of 0 or more/);
    await fails(
      { task_type: "SEQ_CLS", data, loss: { class_weights: { sprot: 2 } } },
      /"sprot", which is no label · .*wrong\.json:1:\d+ · did you mean "sport"\?/,
    );
  });

  test("labels that the classifier does not have", async () => {
    const output = join(scratch, "few-steps");
    const recipe: RecipeInput = {
      base,
      task_type: "SEQ_CLS",
      data: { train: single(9, 1) },
      training: { max_steps: 1 },
    };
    await train(recipe, { output });
    using model = await loadModel(output);
    await assert.rejects(evaluate(model, { data: [single(9, 2)], labels: ["sport", "monye"] }), {
      code: "data/other-labels",
      fix: /did you mean "money"/,
    });
  });

  test("class heads of other labels, in a base and in what training starts from", async () => {
    const recipe: RecipeInput = {
      base,
      task_type: "SEQ_CLS",
      data: { train: single(9, 1) },
      training: { max_steps: 1 },
    };
    const full = await train({ ...recipe, method: "full" }, { output: join(scratch, "full-head") });
    const model = join(full.folder, "model");
    const config = JSON.parse(readFileSync(join(model, "config.json"), "utf8"));
    const other = { train: several(9, 9), columns: { label: "text" } };
    await assert.rejects(train({ ...recipe, base: model, data: other }, { output: join(scratch, "o1") }), {
      code: "data/no-rows",
    });
    writeFileSync(join(model, "config.json"), JSON.stringify({ ...config, id2label: undefined }));
    await assert.rejects(train({ ...recipe, base: model, data: other }, { output: join(scratch, "o2") }), {
      code: "model/other-class-head",
      message: /is not one of \d labels: score\.weight \[2, 32\]/,
    });
    await assert.rejects(train({ ...recipe, base: model, task_type: "CAUSAL_LM" }, { output: join(scratch, "o3") }), {
      code: "model/class-head",
    });
    const lora = await train(recipe, { output: join(scratch, "lora-head") });
    const labels = ["sport", "money"];
    const resumed = { ...recipe, warm_start: lora.folder, data: { ...recipe.data, labels } };
    await assert.rejects(train(resumed, { output: join(scratch, "o4") }), {
      code: "train/warm-start-differs",
      message: /for the labels money, sport, in this order/,
    });
    const sorted = { ...resumed.data, labels: labels.toSorted() };
    await train({ ...resumed, data: sorted }, { output: join(scratch, "o5") });
    writeFileSync(join(lora.folder, "adapter/classifier.json"), "{}");
    await assert.rejects(loadModel(lora.folder), { code: "classifier/damaged" });
  });
});
