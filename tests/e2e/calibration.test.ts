/** Temperatures and thresholds from a recipe to answers: what training says it changed is what the saved model does. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { calibrate } from "../../src/app/api/calibrate.ts";
import { evaluate } from "../../src/app/api/evaluate.ts";
import { loadModel } from "../../src/app/api/load-model.ts";
import { type RecipeInput, train } from "../../src/app/api/train.ts";
import type { UserError } from "../../src/base/errors.ts";
import type { RunEvent } from "../../src/base/events.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import type { ClassifierFile } from "../../src/tune/train/classifier-file.ts";
import { fettleJson } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-calibration-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const small = join(scratch, "small");
writeSmallModel(small);

/** AG News as one label or several of a row: what it is about, and whether it is long. */
function rowsFile(name: string, begin: number, end: number, rowOf: (row: Headline) => object): string {
  const lines = readFileSync(join(packageRoot, "examples/ag-news/train.jsonl"), "utf8").split("\n").slice(begin, end);
  const path = join(scratch, `${name}.jsonl`);
  writeFileSync(path, lines.map((line) => JSON.stringify(rowOf(JSON.parse(line) as Headline))).join("\n"));
  return path;
}

interface Headline {
  readonly text: string;
  readonly label: string;
}

const business = ({ text, label }: Headline): object => ({ text, label: label === "Business" ? "yes" : "no" });
const topics = ({ text, label }: Headline): object => ({
  text,
  labels: [...(label === "Sports" ? ["sport"] : []), ...(text.length > 180 ? ["long"] : [])],
});
const two = {
  train: rowsFile("two", 0, 80, business),
  validation: rowsFile("two-valid", 80, 130, business),
  test: rowsFile("two-test", 130, 150, business),
};
const sets = { train: rowsFile("sets", 0, 60, topics), validation: rowsFile("sets-valid", 60, 90, topics) };
const training = { batch_size: 8, learning_rate: 1e-2 };

async function trained(
  recipe: Omit<RecipeInput, "base">,
): Promise<{ folder: string; file: ClassifierFile; events: RunEvent[] }> {
  const events: RunEvent[] = [];
  const { folder } = await train(
    { base: small, device: "cpu", training, ...recipe },
    { onEvent: (event) => events.push(event) },
  );
  return { folder, file: fileOf(folder), events };
}

function fileOf(folder: string): ClassifierFile {
  return JSON.parse(readFileSync(join(folder, "adapter/classifier.json"), "utf8")) as ClassifierFile;
}

/** What was said of the validation rows before saving is what the saved model scores on them. */
async function assertSame(folder: string, file: ClassifierFile, data: string): Promise<void> {
  using model = await loadModel(folder, { device: "cpu" });
  const { metrics } = await evaluate(model, { data: [data] });
  for (const [name, value] of Object.entries(file.chosen_on!.after)) {
    const found = metrics![name]!.value;
    assert.ok(found === value || Math.abs(found! - value!) < 1e-6, `${name}: ${found}, said to be ${value}`);
  }
}

const threshold = {
  choose: "f1",
  min_precision: 0.9,
  false_positive: 1,
  false_negative: 1,
  cost_matrix: null,
} as const;

describe("calibration and thresholds", () => {
  test("two labels in the model's own words: a temperature and a threshold of the positive one", async () => {
    const evaluation = { calibration: "temperature", threshold, positive_label: "no", eval_steps: 5 } as const;
    const { folder, file, events } = await trained({
      data: two,
      template: { user: "{text} Business?" },
      evaluation: { ...evaluation, metric_for_best_model: "average_precision", load_best_model_at_end: true },
      output: join(scratch, "words"),
    });
    assert.ok(file.temperature! > 0 && file.temperature !== 1);
    assert.deepEqual([file.positive_label, Object.keys(file.thresholds!)], ["no", ["no"]]);
    assert.deepEqual([file.chosen_on!.data, file.chosen_on!.rows], ["validation", 50]);
    assert.ok(file.chosen_on!.after.log_loss! < file.chosen_on!.before.log_loss!);
    assert.ok(file.chosen_on!.after.f1! >= file.chosen_on!.before.f1!);
    const told = events.filter((event) => event.kind === "choice").map(({ name }) => name);
    assert.ok(told.includes("temperature") && told.includes("threshold"));
    const evaluated = events.flatMap((event) => (event.kind === "evaluation" ? [event.metrics] : []));
    assert.ok(evaluated.every((metrics) => metrics.average_precision! > 0 && metrics.mcc! >= -1));
    await assertSame(folder, file, two.validation);

    // The same rows afterwards give the same, other rules another answer; the run's own test rows are refused.
    const fitted = async (...words: string[]): Promise<ClassifierFile> => {
      await fettleJson(["calibrate", folder, "--data", two.validation, ...words], 0);
      return fileOf(folder);
    };
    const again = await fitted("--threshold", "f1");
    assert.ok(Math.abs(again.temperature! / file.temperature! - 1) < 1e-4);
    assert.ok(Math.abs(again.thresholds!.no! - file.thresholds!.no!) < 1e-4);
    const found = await fitted("--calibration", "none", "--threshold", "{choose: cost, false_positive: 50}");
    assert.equal(found.temperature, null);
    assert.ok(found.thresholds!.no! > 0.5);
    await assertSame(folder, found, two.validation);
    const { error } = await fettleJson(["calibrate", folder, "--data", two.test], 2);
    assert.equal((error as { code: string }).code, "calibrate/test-set");
    const learnt = await fettleJson(["calibrate", folder, "--data", two.train], 2);
    assert.equal((learnt.error as { code: string }).code, "calibrate/training-set");
    assert.equal((await fettleJson(["eval", folder], 0)).rows, 20);
  });

  test("two labels with a class head, by cost", async () => {
    const { folder, file } = await trained({
      task_type: "SEQ_CLS",
      data: { ...two, validation: { fraction: 0.3 } },
      evaluation: { calibration: "temperature", threshold: { ...threshold, choose: "cost", false_negative: 20 } },
      output: join(scratch, "head"),
    });
    assert.ok(file.thresholds!.yes! < 0.5);
    // The rows that were set aside are named by the run's splits.json.
    using model = await loadModel(folder, { device: "cpu" });
    const rule = { ...threshold, choose: "cost", false_negative: 20 } as const;
    const again = await calibrate(model, { data: [join(folder, "splits.json")], threshold: rule });
    assert.ok(Math.abs(again.temperature! / file.temperature! - 1) < 1e-4);
    for (const [name, value] of Object.entries(file.chosen_on!.after)) {
      const found = again.chosenOn.after[name];
      assert.ok(found === value || Math.abs(found! - value!) < 1e-6, `${name}: ${found}, said to be ${value}`);
    }
  });

  test("several labels a row, asked in the model's own words: a threshold each", async () => {
    const { folder, file } = await trained({
      problem_type: "multi_label_classification",
      data: sets,
      template: { user: "{text}\nIs it {label}?", cut_field: "text" },
      evaluation: { calibration: "temperature", threshold },
      output: join(scratch, "sets"),
    });
    assert.deepEqual(Object.keys(file.thresholds!).toSorted(), ["long", "sport"]);
    assert.ok(file.chosen_on!.after.macro_f1! >= file.chosen_on!.before.macro_f1!);
    await assertSame(folder, file, sets.validation);
  });

  test("what is impossible is refused before training", async () => {
    const refused = async (recipe: Omit<RecipeInput, "base">, code: string, message: RegExp): Promise<void> => {
      const start = async (): Promise<unknown> => train({ base: small, ...recipe, output: join(scratch, "refused") });
      await assert.rejects(start, (error: UserError) => {
        assert.equal(error.code, code);
        assert.match(error.describe(), message);
        return true;
      });
    };
    const agNews = join(packageRoot, "examples/ag-news/train.jsonl");
    const part = { train: agNews, validation: { fraction: 0.2 }, limit: 40 } as const;
    const asked = { evaluation: { calibration: "temperature", threshold } } as const;
    await refused({ data: { train: agNews }, ...asked }, "recipe/invalid", /there is no validation set/);
    await refused({ data: part, ...asked }, "evaluation/threshold", /there are 4 labels/);
    const unknown = { ...threshold, choose: "cost", cost_matrix: { Wrld: { Sports: 2 } } } as const;
    await refused({ data: part, evaluation: { threshold: unknown } }, "evaluation/unknown-label", /World/);
    const positive = { data: two, evaluation: { positive_label: "yess" } };
    await refused(positive, "evaluation/unknown-label", /did you mean "?yes/i);
    const best = { eval_steps: 1, metric_for_best_model: "f1" } as const;
    await refused({ data: part, evaluation: best }, "train/no-metric", /there is no f1 of 4 labels/);
  });
});
