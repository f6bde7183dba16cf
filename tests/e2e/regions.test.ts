/** Where a label is found, by whatever answers: a class head, the model's own words, an encoder. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { type LoadedModel, loadModel } from "../../src/app/api/load-model.ts";
import { predict } from "../../src/app/api/predict.ts";
import { classifierOf, scoringSetOf } from "../../src/app/api/scoring-set.ts";
import { type RecipeInput, train } from "../../src/app/api/train.ts";
import { scan } from "../../src/app/scan/scan.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { Random } from "../../src/base/random.ts";
import type { Dataset } from "../../src/tune/data/dataset.ts";
import type { LabelTrie } from "../../src/tune/score/label-trie.ts";
import { codeUnits } from "../../src/tune/score/regions/code-units.ts";
import { findRegions } from "../../src/tune/score/regions/find-regions.ts";
import { type ScoreTexts, textScorer } from "../../src/tune/score/regions/label-odds.ts";
import { writeSmallEncoder } from "../helpers/small-encoder.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-regions-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const nano = join(packageRoot, "models/fettle-nano");

const lines: Readonly<Record<string, readonly string[]>> = {
  sport: ["the team won the match", "a goal fell in the last minute", "the coach praised his players"],
  money: ["stocks fell on Monday", "the bank raised its rates", "profits rose by a tenth"],
  tech: ["the new chip is faster", "a bug in the browser was fixed", "engineers released the software"],
};
const names = Object.keys(lines).sort();

/** Texts of three to five lines about some of the themes. */
function rowsFile(count: number, seed: number): string {
  const random = new Random(seed);
  const rows = Array.from({ length: count }, () => {
    const said = Array.from({ length: 3 + random.integer(3) }, () => names[random.integer(3)]!);
    const text = said.map((name) => `${lines[name]![random.integer(3)]}\n`).join("");
    return JSON.stringify({ text, labels: names.filter((name) => said.includes(name)) });
  });
  const path = join(scratch, `rows-${seed}.jsonl`);
  writeFileSync(path, rows.join("\n"));
  return path;
}

async function trained(name: string, recipe: Partial<RecipeInput>): Promise<string> {
  const data = { train: rowsFile(150, 1) };
  const base = { base: nano, problem_type: "multi_label_classification", data } as const;
  return (await train({ ...base, ...recipe }, { output: join(scratch, name) })).folder;
}

function scorerOf(model: LoadedModel): ScoreTexts {
  const rowsOf = (texts: readonly string[]): Dataset => scoringSetOf(model, texts, undefined);
  return textScorer(classifierOf(model, rowsOf(["x"])), rowsOf);
}

/** What `predict` says of each text, as log-odds of the labels. */
async function predicted(model: LoadedModel, texts: readonly string[]): Promise<number[][]> {
  const odds: number[][] = [];
  for (const text of texts) {
    for await (const { probabilities } of predict(model, { texts: [text] })) {
      odds.push(Object.values(probabilities).map((p) => Math.log(p / (1 - p))));
    }
  }
  return odds;
}

async function assertScoresAlike(
  model: LoadedModel,
  texts: readonly string[],
  labels: readonly number[],
): Promise<void> {
  const scores = await scorerOf(model)(texts.map((text) => ({ text, labels })));
  const each = await predicted(model, texts);
  for (const [i, score] of scores.entries()) {
    for (const [place, label] of labels.entries()) {
      const expected = each[i]![label]!;
      assert.ok(Math.abs(score!.odds[place]! - expected) < 0.05 + 0.01 * Math.abs(expected), `${texts[i]}: ${label}`);
    }
  }
}

const text = [lines.money![1], lines.tech![0], lines.sport![1], lines.money![2], ""].join("\n");
const beginnings = [text.split("\n", 1)[0]!, text.split("\n").slice(0, 2).join("\n"), text, lines.sport![0]!];

/** A scan tells the same lines, from its cache too, and whole files where regions are not wanted. */
async function assertScanned(run: string): Promise<void> {
  const tree = join(scratch, "tree");
  mkdirSync(tree);
  writeFileSync(join(tree, "a.txt"), text);
  const options = { paths: [tree], files: ["*.txt"] };
  const first = await scan(run, { ...options, cache: false });
  const sport = first.findings.find(({ label }) => label === "sport")!;
  assert.deepEqual([sport.region.startLine, sport.region.endLine, sport.region.by], [3, 3, "lines-left-out"]);
  assert.ok(sport.region.drop! > 1);
  assert.equal(sport.snippet, lines.sport![1]);
  await scan(run, options);
  const again = await scan(run, options);
  assert.equal(again.files.cached, 1);
  assert.deepEqual(again.findings, first.findings);
  const whole = await scan(run, { ...options, regions: false });
  for (const { region } of whole.findings) {
    assert.deepEqual(region, { startLine: 1, endLine: 4, by: "whole-text" });
  }
}

describe("regions", () => {
  test("a class head: each label is found in its lines, and texts score as they do alone", async () => {
    const training = { num_train_epochs: 6, batch_size: 8, learning_rate: 2e-3 };
    const run = await trained("head", { task_type: "SEQ_CLS", training });
    using model = await loadModel(run);
    await assertScoresAlike(model, beginnings, [2, 0]);
    const request = { text: codeUnits(text), window: { startLine: 1, endLine: 4 }, labels: [0, 1, 2] };
    const found = [];
    for await (const [own, regions] of findRegions(scorerOf(model), [request, request])) {
      assert.equal(own, request);
      found.push(regions);
    }
    assert.equal(found.length, 2);
    const [money, sport, tech] = found[0]!;
    assert.deepEqual([sport!.startLine, sport!.endLine, sport!.line], [3, 3, 3]);
    assert.equal(tech!.startLine, 2);
    assert.ok([1, 4].includes(money!.startLine), `money in line ${money!.startLine}`);
    assert.ok(sport!.drop! > 1, `without its line sport falls by ${sport!.drop}`);
    await assertScanned(run);
  });

  test("questions about labels: only those of the labels asked about are put", async () => {
    const template = { user: "{text}\nIs it about {label}? Answer yes or no." };
    using model = await loadModel(await trained("questions", { template, training: { max_steps: 2 } }));
    await assertScoresAlike(model, beginnings, [2, 0]);
    let asked = 0;
    const { decoder } = model.artefact.model;
    const hidden = decoder.hidden.bind(decoder);
    decoder.hidden = (sequence, options) => {
      asked += (sequence as LabelTrie).members.length;
      return hidden(sequence, options);
    };
    await scorerOf(model)([{ text, labels: [1] }]);
    assert.equal(asked, 2, "yes and no to one label");
  });

  test("one label a text: the log-odds are those of its probability", async () => {
    const rows = join(scratch, "single.jsonl");
    const all = names.flatMap((label) => lines[label]!.map((own) => JSON.stringify({ text: own, label })));
    writeFileSync(rows, all.join("\n"));
    const recipe: RecipeInput = { base: nano, data: { train: rows }, training: { max_steps: 2 } };
    using model = await loadModel((await train(recipe, { output: join(scratch, "single") })).folder);
    await assertScoresAlike(model, beginnings, [0, 1, 2]);
  });

  test("an encoder, which shares no beginnings; blank texts are not scored", async () => {
    const base = join(scratch, "encoder");
    writeSmallEncoder(
      base,
      Object.values(lines).flatMap((own) => own.join(" ").split(" ")),
    );
    const folder = await trained("encoded", { base, task_type: "SEQ_CLS", training: { max_steps: 2 } });
    using model = await loadModel(folder);
    await assertScoresAlike(model, beginnings, [1]);
    const [blank, one] = await scorerOf(model)([" \n", beginnings[0]!].map((own) => ({ text: own, labels: [0] })));
    assert.equal(blank, undefined);
    assert.equal(one!.odds.length, 1);
    const request = { text: codeUnits(text), window: { startLine: 2, endLine: 4 }, labels: [1] };
    for await (const [, [region]] of findRegions(scorerOf(model), [request], {
      maxSteps: 2,
    })) {
      assert.ok(region!.startLine >= 1 && region!.endLine <= 4);
    }
  });
});
