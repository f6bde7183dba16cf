import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { RunEvent } from "../../base/events.ts";
import { packageRoot } from "../../base/package-root.ts";
import { recipeSchema } from "../../base/recipe/schema.ts";
import type { Device } from "../../engine/device/device.ts";
import { openReferenceDevice } from "../../engine/open-device.ts";
import { type Model, openModel } from "../../model/families/model.ts";
import { loadChatTemplate } from "../../model/text/chat-template.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { Dataset } from "../data/dataset.ts";
import { loadDataset } from "../data/load-dataset.ts";
import { Problems } from "../data/problems.ts";
import { labelRows } from "../score/label-rows.ts";
import { LabelScorer } from "../score/label-scorer.ts";
import { type LabelPrediction, predictLabels } from "../score/predict-labels.ts";
import { evaluateLabels } from "./evaluate-labels.ts";

const nano = join(packageRoot, "models/fettle-nano");
const tokenizer = loadTokenizer(nano);
const encoder = new ConversationEncoder(loadChatTemplate(nano), tokenizer, { kwargs: {}, lossOn: "assistant" });
const labels = ["Business", "Sci/Tech", "Sports", "World"];

/** fettle-nano's tokenizer on one tiny layer. */
function writeTinyModel(folder: string): void {
  const config = JSON.parse(readFileSync(join(nano, "config.json"), "utf8")) as object;
  const tiny = { hidden_size: 16, intermediate_size: 16, num_hidden_layers: 1, num_attention_heads: 2 };
  mkdirSync(folder);
  writeFileSync(
    join(folder, "config.json"),
    JSON.stringify({ ...config, ...tiny, num_key_value_heads: 1, head_dim: 8 }),
  );
}

describe("evaluating labels", () => {
  const folder = mkdtempSync(join(tmpdir(), "fettle-"));
  const template = recipeSchema.parse({ base: "base", template: { user: "Topic of this news?\n{text}" } }).template;
  let device: Device;
  let model: Model;
  let dataset: Dataset;
  before(async () => {
    device = openReferenceDevice();
    writeTinyModel(join(folder, "base"));
    model = openModel(join(folder, "base"), device, { format: { kind: "f32" }, randomSeed: 5 });
    const lines = readFileSync(join(packageRoot, "examples/ag-news/test.jsonl"), "utf8").split("\n", 24);
    lines.push(JSON.stringify({ text: `The end. ${"Again and again. ".repeat(120)}`, label: "World" }));
    writeFileSync(join(folder, "rows.jsonl"), lines.join("\n"));
    const data = recipeSchema.parse({ base: "base", data: { labels } }).data;
    dataset = await loadDataset([join(folder, "rows.jsonl")], { name: "test", data, template }, () => {});
  });
  after(() => {
    model[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  });

  const options = { maxLength: 256, tooLong: "cut", cutField: "auto" } as const;

  test("counts, mistakes and events agree with the predictions", async () => {
    const events: RunEvent[] = [];
    const predictions: LabelPrediction[] = [];
    const problems = new Problems();
    const scorer = new LabelScorer(model.decoder, { maxTokens: 512 });
    const evaluation = await evaluateLabels(
      predictLabels(scorer, tokenizer, labelRows(dataset, encoder, options, problems)),
      {
        labels,
        total: dataset.length,
        onEvent: (event) => events.push(event),
        mistakes: 5,
        onPrediction: (prediction) => predictions.push(prediction),
      },
    );
    assert.deepEqual(
      predictions.map(({ row }) => row.index),
      [...Array(dataset.length).keys()],
    );
    const wrong = predictions.filter(({ row, predicted }) => row.target !== predicted);
    assert.equal(evaluation.rows, 25);
    assert.equal(evaluation.accuracy, (25 - wrong.length) / 25);
    assert.equal(evaluation.mistakes.length, Math.min(5, wrong.length));
    const surest = Math.max(...wrong.map(({ probabilities, predicted }) => probabilities[predicted]!));
    assert.equal(evaluation.mistakes[0]!.probability, surest);
    const last = events.at(-1)!;
    assert.ok(last.kind === "progress" && last.done === 25 && last.total === 25 && last.task === "score");
    assert.match(problems.lines().join(), /^1 row changed: longer than 256 tokens, cut in the document/);
  });

  test("a row that is cut keeps every label whole", () => {
    const rows = [...labelRows(dataset, encoder, options, new Problems())];
    const long = rows.at(-1)!;
    for (const [i, answer] of long.answers.entries()) {
      const { ids, supervised } = long.encode(answer);
      assert.ok(ids.length <= 256);
      const taught = ids.filter((_, at) => supervised[at] === 1);
      assert.equal(tokenizer.decode(taught), `${labels[i]}<|im_end|>`);
    }
  });

  test("too long rows are refused by their place, or skipped and counted", () => {
    const rows = (tooLong: "skip" | "refuse", problems: Problems): number =>
      [...labelRows(dataset, encoder, { ...options, tooLong }, problems)].length;
    const problems = new Problems();
    assert.equal(rows("skip", problems), 24);
    assert.equal(problems.skipped, 1);
    assert.throws(() => rows("refuse", new Problems()), { code: "data/too-long", where: /rows\.jsonl:25$/ });
  });
});
