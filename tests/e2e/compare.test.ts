/** `fettle compare` of prediction files, which need no model, and of a run with its base. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compare } from "fettle";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettle, fettleJson } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-compare-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const ROWS = 60;

/** A file of predictions that is wrong on some rows of 60. */
function predictions(
  name: string,
  wrong: readonly number[],
  change: (row: object, i: number) => object = (row) => row,
): string {
  const path = join(scratch, name);
  const lines = Array.from({ length: ROWS }, (_, i) => {
    const target = i % 3 === 0 ? "no" : "yes";
    const other = target === "yes" ? "no" : "yes";
    const label = wrong.includes(i) ? other : target;
    const probabilities = { yes: label === "yes" ? 0.9 : 0.1, no: label === "yes" ? 0.1 : 0.9 };
    const row = { row: i + 1, where: `data/test.jsonl:${i + 1}`, label, probability: 0.9, probabilities, target };
    return JSON.stringify(change({ ...row, text: `text ${i}` }, i));
  });
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

interface Pair {
  readonly pValue: number;
  readonly adjusted: number;
  readonly verdict: string;
  readonly onlyA: number;
  readonly onlyB: number;
  readonly test: string;
  readonly differences: Readonly<Record<string, { readonly value: number }>>;
  readonly slices: readonly {
    readonly by: string;
    readonly value: string;
    readonly rows: number;
    readonly small: boolean;
  }[];
}

const pairOf = (result: Record<string, unknown>): Pair => (result.pairs as Pair[])[0]!;

let perfect: string;
let worse: string;
let nearly: string;
before(() => {
  perfect = predictions("perfect.jsonl", []);
  worse = predictions("worse.jsonl", [1, 2, 3, 4, 5, 6]);
  nearly = predictions("nearly.jsonl", [1, 2]);
});

describe("prediction files", () => {
  test("a difference that six rows make is real, and said to be", async () => {
    const { code, stdout } = await fettle(["compare", worse, perfect]);
    assert.equal(code, 0);
    assert.match(stdout, /^60 rows, matched by where$/m);
    assert.match(
      stdout,
      /^perfect\.jsonl is better than worse\.jsonl by 10\.0 points of accuracy \(95 % interval [\d.]+ to [\d.]+; McNemar exact p = 0\.031\): the difference is real at the 5 % level$/m,
    );
    assert.match(stdout, /^data\/test\.jsonl:2 true yes: worse\.jsonl no, perfect\.jsonl yes$/m);
  });

  test("one that two rows make is not", async () => {
    const result = await fettleJson(["compare", perfect, nearly], 0);
    assert.deepEqual([pairOf(result).verdict, pairOf(result).pValue], ["undecided", 0.5]);
    assert.match(
      (result.verdicts as string[])[0]!,
      /^perfect\.jsonl and nearly\.jsonl cannot be told apart with 60 rows: perfect\.jsonl is ahead by 3\.3 points .* a difference under \d+\.\d points of accuracy would most likely not be seen$/,
    );
    assert.deepEqual(result.metrics, ["accuracy", "macroF1", "rocAuc", "logLoss"]);
    assert.equal(result.disagreeing, 2);
  });

  test("three are three pairs, corrected together", async () => {
    const { pairs } = await fettleJson(["compare", worse, perfect, nearly], 0);
    assert.deepEqual(
      (pairs as Pair[]).map(({ pValue, adjusted }) => [pValue, adjusted]),
      [
        [0.03125, 0.09375],
        [0.125, 0.25],
        [0.5, 0.5],
      ],
    );
  });

  test("rows that not all have are counted and left out", async () => {
    const [head] = [readFileSync(perfect, "utf8").split("\n").slice(0, 50).join("\n")];
    const short = join(scratch, "short.jsonl");
    writeFileSync(short, head!.replaceAll("data/test", "/elsewhere/data/test"));
    const { code, stderr, stdout } = await fettle(["compare", short, worse]);
    assert.equal(code, 0);
    assert.match(stdout, /^50 rows, matched by where, without folders$/m);
    assert.match(stderr, /left out: 10 of worse\.jsonl/);
  });

  test("another tool's table beside ours: by id, with fields and groups of the data", async () => {
    const ours = predictions("ours.jsonl", [], (row, i) => ({ ...row, where: undefined, row: undefined, id: `n${i}` }));
    const theirs = join(scratch, "theirs.csv");
    const data = join(scratch, "data.csv");
    const truth = (i: number): string => (i % 3 === 0 ? "no" : "yes");
    const rows = Array.from({ length: ROWS }, (_, i) => ROWS - 1 - i);
    writeFileSync(theirs, `id,label\n${rows.map((i) => `n${i},${i < 12 ? "no" : truth(i)}`).join("\n")}\n`);
    const table = rows.map((i) => `n${i},text ${i},${truth(i)},author ${i % 5},${i % 2 ? "web" : "print"}`);
    writeFileSync(data, `id,text,label,author,source\n${table.join("\n")}\n`);
    const words = ["compare", ours, theirs, "--data", data, "--by", "source", "--group", "author"];
    const result = await fettleJson(words, 0);
    assert.equal(result.matchedBy, "id");
    assert.deepEqual(result.groups, { by: "author", count: 5 });
    assert.deepEqual(result.metrics, ["accuracy", "macroF1"]);
    const { test: name, pValue, slices, onlyA, verdict } = pairOf(result);
    // Five groups, all in favour of ours: 2 of the 32 sign patterns are as far from 0.
    assert.deepEqual([name, pValue, verdict], ["sign-flip exact", 2 / 32, "undecided"]);
    assert.equal(onlyA, 8);
    const named = slices.map(({ by, value }) => `${by} ${value}`);
    for (const slice of ["label yes", "label no", "source web", "source print"])
      assert.ok(named.includes(slice), slice);
  });

  test("several labels a row, and scores of written answers", async () => {
    const sets = (name: string, wrong: number): string =>
      predictions(name, [], (_row, i) => ({ row: i + 1, labels: i < wrong ? [] : ["a", "b"], targets: ["b", "a"] }));
    const several = await fettleJson(["compare", sets("s1.jsonl", 0), sets("s2.jsonl", 30)], 0);
    assert.deepEqual([several.answers, pairOf(several).differences.accuracy!.value], ["labels", -0.5]);
    const scores = (name: string, more: number): string =>
      predictions(name, [], (_row, i) => ({ row: i + 1, score: (i % 7) / 10 + more }));
    const scored = await fettleJson(["compare", scores("c1.jsonl", 0), scores("c2.jsonl", 0.05)], 0);
    assert.deepEqual([scored.answers, pairOf(scored).verdict, pairOf(scored).onlyB], ["score", "b", ROWS]);
  });

  test("written answers are judged by those expected, as `fettle eval --predictions` keeps both", async () => {
    const written = (name: string, wrong: number): string =>
      predictions(name, [], (_row, i) => ({
        ...{ row: i + 1, where: `qa.jsonl:${i + 1}`, prompt: `What is ${i}?` },
        ...{ answer: i < wrong ? "no idea" : `The number ${i}.`, expected: `the number ${i}` },
      }));
    const files = [written("w1.jsonl", 0), written("w2.jsonl", 10)];
    const { metrics, subjects, pairs } = await compare(files);
    assert.deepEqual(metrics, ["token_f1", "exact_match", "squad_exact_match", "char_f1", "chrf"]);
    assert.equal(subjects[0]!.metrics.squad_exact_match!.value, 1);
    assert.deepEqual([pairs[0]!.onlyA, pairs[0]!.verdict, pairs[0]!.test], [10, "a", "McNemar exact"]);
    const exact = await compare(files, { metric: "exact_match" });
    assert.deepEqual([exact.metrics[0], exact.pairs[0]!.verdict], ["exact_match", "undecided"]);
    await assert.rejects(compare(files, { metric: "exact_mach" }), { code: "compare/no-metric" });
  });

  test("what cannot be compared is refused", async () => {
    const elsewhere = predictions("elsewhere.jsonl", [], (row, i) => ({ ...row, where: `other.jsonl:${i + 1}` }));
    const otherTruth = predictions("truth.jsonl", [], (row, i) => (i === 7 ? { ...row, target: "no" } : row));
    const bare = predictions("bare.jsonl", [], (row) => ({ ...row, target: undefined }));
    const scored = predictions("scored.jsonl", [], (_row, i) => ({ where: `data/test.jsonl:${i + 1}`, score: 1 }));
    const twice = predictions("twice.jsonl", [], (row, i) => (i === 1 ? { ...row, where: "data/test.jsonl:1" } : row));
    const empty = join(scratch, "empty.jsonl");
    writeFileSync(empty, '{"text": "no answer here"}\n');
    for (const [names, error] of [
      [[perfect], "compare/subjects"],
      [[perfect, elsewhere], "compare/no-common-rows"],
      [[perfect, twice], "compare/no-common-rows"],
      [[perfect, otherTruth], "compare/different-targets"],
      [[bare, bare], "compare/no-targets"],
      [[perfect, scored], "compare/kinds"],
      [[perfect, empty], "compare/no-answers"],
      [[perfect, join(scratch, "nowhere")], "compare/missing"],
    ] as const) {
      await assert.rejects(compare(names), { code: error });
    }
    await assert.rejects(compare([perfect, worse], { by: ["mood"] }), { code: "compare/no-field" });
    for (const option of ["--disagreements", "--output"]) {
      const overwriting = await fettleJson(["compare", perfect, worse, option, worse], 2);
      assert.equal((overwriting.error as { code: string }).code, "cli/overwrites-input");
    }
    const judged = await fettleJson(["compare", perfect, worse, "--metric", "token_f1"], 2);
    assert.equal((judged.error as { code: string }).code, "compare/no-metric");
  });

  test("text of files cannot steer the terminal, and all disagreements can be kept", async () => {
    const hostile = predictions("hostile.jsonl", [1, 2, 3, 4, 5, 6], (row, i) =>
      i < 9 ? { ...row, label: "\u001b[31mred\u001b[0m", text: "\u001b]0;title\u0007" } : row,
    );
    const all = join(scratch, "all.jsonl");
    const { stdout } = await fettle(["compare", perfect, hostile, "--disagreements", all]);
    assert.ok(!stdout.includes("\u001b") && !stdout.includes("\u0007"));
    const kept = readFileSync(all, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.equal(kept.length, 9);
    assert.deepEqual(kept[0].answers, { "perfect.jsonl": "no", "hostile.jsonl": "\u001b[31mred\u001b[0m" });
  });
});

test("a run and its base on the run's own test set, and beside the run's kept predictions", async () => {
  const model = join(scratch, "small");
  const run = join(scratch, "run");
  writeSmallModel(model);
  const recipe = join(scratch, "recipe.yaml");
  const agNews = join(packageRoot, "examples/ag-news");
  writeFileSync(
    recipe,
    `base: small
data: {train: ${join(agNews, "train.jsonl")}, test: ${join(agNews, "test.jsonl")}, limit: 40}
training: {batch_size: 8, learning_rate: 1e-2}
`,
  );
  await fettleJson(["train", recipe, "--output", run], 0);
  const limit = ["--limit", "40"];
  const kept = join(scratch, "kept.jsonl");
  const test = join(agNews, "test.jsonl");
  const { accuracy } = await fettleJson(["eval", run, "--data", test, "--predictions", kept, ...limit], 0);
  const { rows, subjects, pairs, matchedBy } = await fettleJson(["compare", run, model, kept, ...limit], 0);
  const values = (subjects as { name: string; metrics: Pair["differences"] }[]).map(({ name, metrics }) => [
    name,
    metrics.accuracy!.value,
  ]);
  assert.deepEqual([rows, matchedBy], [40, "where"]);
  assert.deepEqual(
    [values[0], values[2]],
    [
      ["run", accuracy],
      ["kept.jsonl", accuracy],
    ],
  );
  const [, same] = pairs as Pair[];
  assert.deepEqual([same!.pValue, same!.onlyA, same!.onlyB], [1, 0, 0]);
  assert.ok(same!.slices.some(({ by, small }) => by === "length" && small));

  const other = join(scratch, "other");
  cpSync(run, other, { recursive: true });
  const comparison = join(scratch, "comparison.json");
  await fettleJson(["compare", run, other, "--output", comparison, ...limit], 0);
  const page = join(scratch, "page.html");
  const shown = await fettleJson(["report", run, other, "--comparison", comparison, "--output", page], 0);
  assert.equal(shown.report, page);
  assert.match(readFileSync(page, "utf8"), /<strong class="words">run and other cannot be told apart<\/strong>/);
  const { error } = await fettleJson(["report", run, "--comparison", kept], 2);
  assert.equal((error as { code: string }).code, "files/bad-json");
  writeFileSync(comparison, readFileSync(comparison, "utf8").replace('"pairs":[{', '"pairs":[{"x":1},{'));
  const damaged = await fettleJson(["report", run, "--comparison", comparison], 2);
  assert.equal((damaged.error as { code: string }).code, "report/no-comparison");

  const questions = join(scratch, "qa.jsonl");
  writeFileSync(
    questions,
    '{"prompt": "Two and two?", "completion": "Four"}\n{"prompt": "One?", "completion": "One"}\n',
  );
  const written = await compare([model, model], { data: [questions], maxNewTokens: 4 });
  assert.deepEqual([written.kind, written.rows, written.matchedBy], ["score", 2, "where"]);
});
