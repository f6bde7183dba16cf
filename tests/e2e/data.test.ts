/** `fettle data`: what it says of data is what training does with it. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { openDataContext } from "../../src/app/inspect/data-context.ts";
import type { PreparedSets } from "../../src/app/inspect/data-preparation.ts";
import { dataStats, type SetStats } from "../../src/app/inspect/data-stats.ts";
import { showRows } from "../../src/app/inspect/show-rows.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { loadRecipe } from "../../src/base/recipe/load.ts";
import { loadChatTemplateIfAny } from "../../src/model/text/chat-template.ts";
import { loadTokenizer } from "../../src/model/text/tokenizer.ts";
import { countSet, encoderOf, loadRunData } from "../../src/tune/train/run-data.ts";
import { fettle, fettleJson } from "../helpers/cli.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-data-"));
after(() => rmSync(folder, { recursive: true }));
const base = join(packageRoot, "models/fettle-nano");
const news = readFileSync(join(packageRoot, "examples/ag-news/train.jsonl"), "utf8").split("\n").slice(0, 64);

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const rowsFile = file("rows.jsonl", `${news.join("\n")}\n${news[0]}\n{"text": "broken"\n`);

function recipe(name: string, more: string): string {
  return file(`${name}.yaml`, `base: ${base}\ndata: {train: ${rowsFile}}\n${more}`);
}

interface Stats {
  readonly sets: readonly SetStats[];
  readonly prepared: PreparedSets | null;
}

async function statsOf(path: string): Promise<SetStats> {
  const context = await openDataContext(path, {}, () => {});
  return (await dataStats(context, () => {}))[0]!;
}

describe("stats of a recipe that prepares its rows", () => {
  const preparing = (data: string, more: string): string =>
    file("preparing.yaml", `base: ${base}\ndata: {train: ${rowsFile}, ${data}}\n${more}`);

  it("tells the rows in the files, what each step does, and those that training has", async () => {
    const path = preparing(
      "validation: {fraction: 0.25}, test: {fraction: 0.25}",
      "prepare: {exact_duplicates: drop, balance: oversample}\nevaluation: {eval_samples: 5}",
    );
    const { sets, prepared } = (await fettleJson(["data", "stats", path], 0)) as unknown as Stats;
    assert.deepEqual([sets.length, sets[0]!.rows], [1, 65]);
    const [train, validation, held] = prepared!.sets;
    assert.deepEqual([validation!.name, validation!.rows, held!.name, held!.rows], ["validation", 5, "test", 16]);
    // As many of each label as of the most frequent.
    const counts = Object.values(train!.labels!);
    assert.ok(counts.every((count) => count === counts[0]));
    assert.deepEqual([train!.read, train!.rows], [65, 4 * counts[0]!]);
    const changing = prepared!.steps.filter((step) => step.in !== step.out).map(({ step, set }) => `${set}: ${step}`);
    const expected = ["exact duplicates", "split", "balance, oversample"].map((step) => `train: ${step}`);
    assert.deepEqual(changing, [...expected, "validation: sample"]);
    assert.deepEqual(prepared!.steps.find(({ step }) => step === "exact duplicates")!.out, 64);

    const { stdout } = await fettle(["train", path, "--dry-run", "--output", join(folder, "dry")]);
    assert.match(stdout, new RegExp(`^ {2}${train!.rows} examples, `, "m"));
    const { stdout: shown } = await fettle(["data", "stats", path]);
    assert.match(shown, /as training has them; all above is of the files/);
    assert.match(shown, new RegExp(`^ {2}train 65 -> ${train!.rows} rows: Business ${counts[0]}, `, "m"));
    assert.match((await fettle(["data", "show", path])).stdout, /Rows as they are read; the recipe leaves some out/);
  });

  it("tells what would be refused, and nothing where nothing is done", async () => {
    const refused = preparing(`validation: ${file("same.jsonl", news.slice(0, 8).join("\n"))}`, "");
    const { prepared, sets } = (await fettleJson(["data", "stats", refused], 0)) as unknown as Stats;
    assert.deepEqual([sets[0]!.rows, sets[1]!.rows, prepared!.sets.length], [65, 8, 0]);
    assert.match(prepared!.refused!, /with the same text as a row of the validation set.*prepare\.leakage\.exact/s);
    assert.match((await fettle(["data", "stats", refused])).stdout, /as training has them: it would not begin/);
    const nothing = preparing("limit: 60", "");
    assert.equal(((await fettleJson(["data", "stats", nothing], 0)) as unknown as Stats).prepared, null);
    assert.doesNotMatch((await fettle(["data", "show", nothing])).stdout, /as they are read/);
  });
});

describe("stats", () => {
  const instructions = "Sort the headline that follows into one of the sections World, Sports, Business and Sci/Tech.";
  const path = recipe(
    "cut",
    `template: {system: "${instructions}", max_length: 100}\ntraining: {batch_size: 100}\npacking: {max_tokens: 100000}`,
  );

  it("counts what training reads, cuts and learns", async () => {
    const loaded = loadRecipe(path);
    const encoder = encoderOf(loaded.recipe, loadChatTemplateIfAny(base), loadTokenizer(base));
    const options = { maxLength: 100, tooLong: "cut", cutField: "auto" } as const;
    const { train } = await loadRunData(loaded, undefined, encoder, options, () => {});
    const { rows, skipped, cut, tokens, supervisedTokens } = countSet(train);
    const stats = await statsOf(path);
    assert.deepEqual([stats.rows, stats.skipped], [rows, skipped]);
    assert.ok(stats.tokens !== null && cut > 0);
    assert.deepEqual([stats.tokens.cut, stats.tokens.supervised], [cut, supervisedTokens]);
    assert.equal(stats.tokens.packing.tokens, tokens);
    assert.ok(stats.tokens.lengths.total > tokens);
  });

  it("what is shared by all is computed once", async () => {
    const { tokens, duplicates } = await statsOf(path);
    const { prefix, packing } = tokens!;
    assert.ok(prefix.text.includes(instructions), prefix.text);
    assert.deepEqual([packing.examplesPerPack, duplicates.repeated], [65, 1]);
    const shared = 64 * prefix.all;
    // A row that stands twice, and headlines that begin alike, are shared further.
    assert.ok(
      packing.tokens - packing.tokensComputed >= shared && packing.tokens - packing.tokensComputed < 1.05 * shared,
    );
  });

  it("through the command line, of a file alone and of one that is hostile", async () => {
    const { sets } = (await fettleJson(["data", "stats", rowsFile], 0)) as { sets: SetStats[] };
    assert.deepEqual([sets[0]!.rows, sets[0]!.skipped, sets[0]!.tokens], [65, 1, null]);
    assert.deepEqual(
      Object.values(sets[0]!.labels!).reduce((sum, count) => sum + count),
      65,
    );
    const hostile = file(
      "hostile.jsonl",
      `\uFEFF{"a":1}\r\n${"[".repeat(1e5)}\n{"a":"${"x".repeat(5e6)}"}\n{"b":{"a":[]}}`,
    );
    const { code, stdout } = await fettle(["data", "stats", hostile]);
    assert.equal(code, 0);
    assert.match(stdout, /hostile.*: 0 rows|data: 0 rows, 2 skipped/);
    assert.match(stdout, /no known shape/);
  });
});

describe("show", () => {
  it("shows the tokens that training takes, learnt ones apart", async () => {
    const context = await openDataContext(recipe("plain", ""), {}, () => {});
    const [row] = await showRows(context, { row: 2 }, () => {});
    const { pieces, supervised, count } = row!.examples[0]!.tokens!;
    const { text, label } = JSON.parse(news[1]!) as { text: string; label: string };
    assert.equal(
      pieces.map((piece) => piece.text).join(""),
      `<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n${label}<|im_end|>\n`,
    );
    const learnt = pieces.filter((piece) => piece.supervised);
    assert.deepEqual(
      learnt.map((piece) => piece.text),
      [label, "<|im_end|>"],
    );
    assert.equal(learnt.flatMap(({ ids }) => ids).length, supervised);
    assert.deepEqual(
      pieces.flatMap(({ ids }) => ids),
      [...loadTokenizer(base).encode(pieces.map((piece) => piece.text).join("")).ids],
    );
    assert.equal(count, pieces.flatMap(({ ids }) => ids).length);
  });

  it("marks them without colours, and cuts the middle of what is long", async () => {
    const long = file(
      "long.jsonl",
      `${JSON.stringify({ text: `begin ${"word ".repeat(400)}end`, label: "a" })}\n${news[0]}\n`,
    );
    const { stdout } = await fettle(["data", "show", long, "--model", base, "--rows", "1"]);
    assert.match(
      stdout,
      /begin word .*\[…1,\d+ characters…\].* end<\|im_end\|>\n<\|im_start\|>assistant\n⟦a<\|im_end\|>⟧/s,
    );
    const { stdout: ids } = await fettle(["data", "show", long, "--model", base, "--row", "2", "--ids"]);
    assert.match(ids, /⟦"<\|im_end\|>"⟧/);
    const { error } = await fettleJson(["data", "show", long, "--row", "3"], 2);
    assert.match((error as { message: string }).message, /no row 3: 2 can be used/);
  });

  it("a class head: labels, and the token that it reads", async () => {
    const path = recipe("head", "task_type: SEQ_CLS\nmethod: full");
    const context = await openDataContext(path, {}, () => {});
    const [row] = await showRows(context, { rows: 1 }, () => {});
    assert.deepEqual(row!.labels, [(JSON.parse(news[0]!) as { label: string }).label]);
    const { pooled, count } = row!.examples[0]!.tokens!;
    assert.equal(pooled, count - 1);
  });
});

it("commands have subcommands, and say which", async () => {
  const { code, stdout } = await fettle(["data"]);
  assert.equal(code, 0);
  assert.match(stdout, /stats .*\n.*show /);
  const { error } = await fettleJson(["data", "convrt"], 2);
  assert.deepEqual((error as { code: string; fix: string }).code, "cli/unknown-command");
  assert.match((error as { fix: string }).fix, /did you mean "convert"/);
});
