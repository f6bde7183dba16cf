import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { packageRoot } from "../../base/package-root.ts";
import { parseRecipe } from "../../base/recipe/load.ts";
import { loadChatTemplateIfAny } from "../../model/text/chat-template.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import type { EncodeOptions } from "../data/encode-row.ts";
import { countSet, encoderOf, hashExamples, loadRunData } from "./run-data.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-run-data-"));
after(() => rmSync(folder, { recursive: true }));

/** Enough for other threads; every 1,000th row is too long, and one line is no JSON. */
const ROWS = 8500;
const BROKEN = 7001;
const lines = Array.from({ length: ROWS }, (_, i) => {
  const text = `${i} of ${ROWS}${i % 1000 === 999 ? " word".repeat(200) : ""}`;
  return i === BROKEN - 1 ? "{" : JSON.stringify({ text, label: `label ${i % 3}` });
});
const file = join(folder, "rows.jsonl");
writeFileSync(file, lines.join("\n"));

const nano = join(packageRoot, "models/fettle-nano");
const recipe = `base: m
data: {train: rows.jsonl, validation: {fraction: 0.02}}
loss: {class_weights: balanced}
prepare: {exact_duplicates: ignore, conflicting_labels: ignore, leakage: {exact: ignore, near: ignore, group: ignore}}`;
const loaded = parseRecipe(recipe, join(folder, "r.yaml"), { purpose: "train" });
const encoder = encoderOf(loaded.recipe, loadChatTemplateIfAny(nano), loadTokenizer(nano));

function load(tooLong: EncodeOptions["tooLong"], threads: number, memoryBytes: number): ReturnType<typeof loadRunData> {
  const options = { maxLength: 64, tooLong, cutField: "auto", threads, scratch: { folder, memoryBytes } } as const;
  return loadRunData(loaded, undefined, encoder, options, () => {});
}

describe("the data of a run", () => {
  const variants = { "in memory": [1, 2 ** 30], "on disk": [1, 0], "on disk, by three threads": [3, 0] } as const;
  const hashes: string[][] = [];
  for (const [name, [threads, memoryBytes]] of Object.entries(variants)) {
    test(`${name}: has the same tokens, weights and counts`, async () => {
      const { train, validation } = await load("cut", threads, memoryBytes);
      hashes.push([hashExamples(train), hashExamples(validation!)]);
      assert.deepEqual(hashes.at(-1), hashes[0]);
      assert.equal(countSet(train).rows + countSet(validation!).rows, ROWS - 1);
      assert.equal(countSet(train).cut + countSet(validation!).cut, (ROWS / 1000) >> 0);
      assert.equal(train.dataset.problems[0]!.examples[0]!.where, `${file}:${BROKEN}`);
    });
  }

  test("a row that cannot be taken is named by its line, whichever thread comes upon it", async () => {
    for (const threads of [1, 3]) {
      await assert.rejects(load("refuse", threads, 0), { code: "data/too-long", where: `${file}:1000` });
    }
  });
});
