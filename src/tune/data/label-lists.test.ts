/** Rows with several labels, weights of rows, and what a class head reads of a row. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { packageRoot } from "../../base/package-root.ts";
import { parseRecipe } from "../../base/recipe/load.ts";
import { loadChatTemplate } from "../../model/text/chat-template.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import { ConversationEncoder } from "./conversation-encoder.ts";
import type { Dataset } from "./dataset.ts";
import { encodeDataset } from "./encode.ts";
import type { EncodeOptions } from "./encode-row.ts";
import { loadDataset } from "./load-dataset.ts";
import { splitDataset } from "./prepare/split.ts";
import { taskOf } from "./task.ts";

const folder = mkdtempSync(join(tmpdir(), "label-lists-"));
after(() => rmSync(folder, { recursive: true }));

const head = "task_type: SEQ_CLS\n";
const lists = "problem_type: multi_label_classification\n";

function load(content: string, recipe: string): Promise<Dataset> {
  const path = join(folder, "rows");
  writeFileSync(path, content);
  const { recipe: parsed } = parseRecipe(`base: m\n${recipe}`, "r.yaml", { purpose: "evaluate" });
  const { data, template } = parsed;
  return loadDataset([path], { name: "train", data, template, task: taskOf(parsed) }, () => {});
}

function jsonl(...rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

describe("lists of labels", () => {
  const rows = jsonl(
    { text: "reentrancy and overflow", labels: ["SWC-107", "SWC-101"] },
    { text: "clean", labels: [] },
    { text: "overflow", labels: ["SWC-101", " SWC-101 "] },
    { text: "one label, no list", labels: "SWC-101" },
  );

  test("under a class head: indices in the labels' order, an empty list is a row, what is no list is skipped", async () => {
    const dataset = await load(rows, head + lists);
    assert.deepEqual(dataset.labels!.names, ["SWC-101", "SWC-107"]);
    assert.deepEqual(
      Array.from(dataset.rows(), ({ labels }) => labels),
      [[0, 1], [], [0]],
    );
    assert.equal(dataset.problems[0]!.reason, "no list of labels");
  });

  test("in a CSV cell they are a JSON list", async () => {
    const dataset = await load('text,labels\na,"[""x"",""y""]"\nb,[]\nc,"[""y""]"\n', head + lists);
    assert.deepEqual(
      Array.from(dataset.rows(), ({ labels }) => labels),
      [[0, 1], [], [1]],
    );
  });

  test("in the model's own words: a question a label, answered by yes or no", async () => {
    const user = 'template: {user: "{text}\\nIs there {label}?"}\n';
    const dataset = await load(rows, lists + user);
    assert.deepEqual([dataset.length, dataset.together], [6, 2]);
    const said = [0, 1, 2].map((i) => {
      const example = dataset.example(i);
      return example.kind === "conversation" ? example.messages.map(({ content }) => content) : [];
    });
    assert.deepEqual(said, [
      ["reentrancy and overflow\nIs there SWC-101?", "yes"],
      ["reentrancy and overflow\nIs there SWC-107?", "yes"],
      ["clean\nIs there SWC-101?", "no"],
    ]);
    const parts = [{ name: "validation", fraction: 0.4 }];
    const {
      rest,
      parts: [part],
    } = splitDataset(dataset, parts, { seed: 1, groupFields: [] }, () => {});
    assert.deepEqual([rest.length, part!.length], [4, 2]);
    assert.equal(new Set(Array.from(part!.rows(), ({ line }) => line)).size, 1);
  });
});

describe("what rows count", () => {
  test("is a field of the row; a row without it, or with what is no number of 0 or more, is skipped", async () => {
    const rows = [1, "2.5", 0, -1, "much", null].map((n, i) => ({ text: `t${i}`, label: `l${i % 2}`, n }));
    const dataset = await load(jsonl(...rows), "loss: {sample_weight: n}");
    assert.deepEqual(
      Array.from(dataset.rows(), ({ weight }) => weight),
      [1, 2.5, 0],
    );
    assert.equal(dataset.skipped, 3);
  });
});

describe("what a class head reads", () => {
  const nano = join(packageRoot, "models/fettle-nano");
  const tokenizer = loadTokenizer(nano);
  const template = loadChatTemplate(nano);
  const encoder = new ConversationEncoder(template, tokenizer, { kwargs: {}, lossOn: "assistant" });
  const options: EncodeOptions = { maxLength: 40, tooLong: "cut", cutField: "auto" };
  const long = "stocks fell again ".repeat(50);
  const rows = jsonl({ text: "stocks fell", label: "a" }, { text: long, label: "b" });

  test("is the text as it is, cut to fit; the head reads its last token", async () => {
    const dataset = await load(rows, head);
    const encoded = await encodeDataset(dataset, encoder, options, () => {});
    const [short, cut] = [encoded.example(0), encoded.example(1)];
    assert.deepEqual(short.ids, tokenizer.encodeWithSpecial("stocks fell").ids);
    assert.deepEqual(
      [...short.supervised],
      [...short.ids].map((_, i) => (i === short.ids.length - 1 ? 1 : 0)),
    );
    assert.deepEqual([short.labels, cut.labels], [[0], [1]]);
    assert.ok(cut.ids.length <= 40 && cut.ids.length > 30);
    assert.ok(long.startsWith(tokenizer.decode(cut.ids)));
  });

  test("or a conversation up to where the assistant would answer", async () => {
    const dataset = await load(rows, `${head}template: {system: Be brief., user: "Topic? {text}"}\n`);
    const encoded = await encodeDataset(dataset, encoder, options, () => {});
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Topic? stocks fell" },
    ];
    const rendered = template.render(messages, { addGenerationPrompt: true, kwargs: {} });
    assert.deepEqual(encoded.example(0).ids, tokenizer.encode(rendered).ids);
    const cut = tokenizer.decode(encoded.example(1).ids);
    assert.ok(encoded.example(1).ids.length <= 40);
    assert.ok(rendered.endsWith(cut.slice(-10)), cut);
  });
});
