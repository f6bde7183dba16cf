import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { UserError } from "../../base/errors.ts";
import { type LoadedRecipe, parseRecipe } from "../../base/recipe/load.ts";
import type { Dataset } from "../data/dataset.ts";
import { loadSets, type RunSets } from "./load-sets.ts";
import { setAgain } from "./splits.ts";

const folder = mkdtempSync(join(tmpdir(), "prepare-"));
after(() => rmSync(folder, { recursive: true }));

type Rows = readonly object[];

/** The sets that a recipe makes of files `train.jsonl`, `validation.jsonl` and `test.jsonl`. */
function setsOf(files: Readonly<Record<string, Rows>>, sections = ""): Promise<RunSets> {
  const data = Object.entries(files).map(([name, rows]) => {
    writeFileSync(join(folder, `${name}.jsonl`), rows.map((row) => JSON.stringify(row)).join("\n"));
    return `${name}: ${name}.jsonl`;
  });
  const stated = sections.includes("data:") ? "" : `data: {${data.join(", ")}}\n`;
  const text = `base: m\n${stated}${sections}`;
  const loaded: LoadedRecipe = parseRecipe(text, join(folder, "r.yaml"), { purpose: "train" });
  return loadSets(loaded, undefined, {}, () => {});
}

const lines = (dataset: Dataset | undefined): number[] => [...dataset!.rows()].map(({ line }) => line);

async function refusal(made: Promise<RunSets>): Promise<UserError> {
  let said: unknown;
  await made.catch((error: unknown) => {
    said = error;
  });
  assert.ok(said instanceof UserError, String(said));
  return said;
}

const sentence = "the central bank raised its main rate by a quarter of a point on Thursday, as markets had expected";
const copies: Rows = [
  { text: sentence, label: "a" },
  { text: `  ${sentence.replaceAll(" ", "\n ")}`, label: "a" },
  { text: "the same words", label: "a" },
  { text: "the same words", label: "b" },
  { text: "cafe\u0301", label: "b" },
  { text: "café", label: "b" },
  { text: `${sentence} again`, label: "a" },
  { text: `${sentence} too`, label: "b" },
];

describe("copies among the training rows", () => {
  test("are told and kept by default, white space and accents' spelling apart", async () => {
    const { train, preparation } = await setsOf({ train: copies });
    assert.equal(train.length, 8);
    assert.deepEqual(
      preparation.map(({ step, in: before, out, detail }) => [step, before, out, Number.parseInt(detail, 10)]),
      [
        ["conflicting labels", 8, 8, 2],
        ["exact duplicates", 8, 8, 2],
      ],
    );
    assert.match(preparation[0]!.examples[0]!.detail, /^is "a", line 4 is "b"$/);
    assert.match(preparation[1]!.examples[0]!.where, /train\.jsonl:2$/);
  });

  test("are dropped when asked for: the first stays, and of a text with several labels nothing", async () => {
    const exact = await setsOf({ train: copies }, "prepare: {exact_duplicates: drop, conflicting_labels: drop}");
    assert.deepEqual(lines(exact.train), [1, 5, 7, 8]);
    assert.deepEqual(
      exact.preparation.map(({ in: before, out }) => [before, out]),
      [
        [8, 6],
        [6, 4],
      ],
    );
    const near = await setsOf({ train: copies }, "prepare: {near_duplicates: drop}");
    // Line 8 is like line 1, but says something else; 3 and 4 have the same text and different labels.
    assert.deepEqual(lines(near.train), [1, 3, 4, 5, 8]);
    assert.match(near.preparation.at(-1)!.detail, /^3 like .*; 2 like a row with another label, which stay$/);
  });

  test("with different labels are refused when asked for", async () => {
    const error = await refusal(setsOf({ train: copies }, "prepare: {conflicting_labels: refuse}"));
    assert.equal(error.code, "data/conflicting-labels");
    assert.match(error.message, /: 2, first .*train\.jsonl:3 is "a", line 4 is "b"/);
  });

  test("a question with another answer is no copy where there are no labels", async () => {
    const rows = [
      { prompt: "name a colour", completion: "red" },
      { prompt: "name a colour", completion: "blue" },
      { prompt: "name a  colour", completion: "red" },
    ];
    const { train } = await setsOf({ train: rows }, "prepare: {exact_duplicates: drop}");
    assert.deepEqual(lines(train), [1, 2]);
  });
});

const judged: Readonly<Record<string, Rows>> = {
  train: [
    { text: "one", label: "a", repo: "x/1" },
    { text: "two", label: "b", repo: "x/2" },
    { text: `${sentence} again`, label: "a", repo: "x/3" },
    { text: "four", label: "b", repo: "x/4" },
    { text: "five", label: "b" },
  ],
  validation: [
    { text: "six", label: "a", repo: "x/2" },
    { text: "seven", label: "b", repo: "x/7" },
  ],
  test: [
    { text: " one", label: "b", repo: "x/8" },
    { text: sentence, label: "b", repo: "x/9" },
    { text: "ten", label: "b", repo: "x/7" },
  ],
};

describe("rows that are in two sets", () => {
  test("are refused by default where text or group are the same, and told where they are alike", async () => {
    const group = await refusal(setsOf(judged));
    assert.equal(group.code, "data/leakage-group");
    assert.match(
      group.message,
      /among 2 rows of the validation set, 1 with .*:2 shares repo=x\/7 with .*test\.jsonl:3/,
    );
    const exact = await refusal(setsOf(judged, "prepare: {leakage: {group: report}}"));
    assert.equal(exact.code, "data/leakage-exact");
    assert.match(exact.message, /among 5 rows of the train set, 1 with .*train\.jsonl:1 is .*test\.jsonl:1/);
    const { train, preparation } = await setsOf(judged, "prepare: {leakage: {group: report, exact: report}}");
    assert.equal(train.length, 5);
    const near = preparation.filter(({ step }) => step === "leakage, near").at(-1)!;
    assert.match(near.examples[1]!.detail, /^is like .*test\.jsonl:2 \(0\.9\d\)$/);
  });

  test("are left out of the set that is judged by the other, when asked for", async () => {
    const drop = "prepare: {leakage: {exact: drop, near: drop, group: drop}}";
    const { train, validation } = await setsOf(judged, drop);
    assert.deepEqual(lines(validation), [1]);
    assert.deepEqual(lines(train), [4, 5]);
  });

  test("are not looked for when they are to be ignored; then the test file is not read", async () => {
    const ignore = "prepare: {leakage: {exact: ignore, near: ignore, group: ignore}}";
    const { train, preparation } = await setsOf({ ...judged, test: [] }, ignore);
    assert.equal(train.length, 5);
    assert.ok(preparation.every(({ step }) => !step.startsWith("leakage")));
  });

  test("fields to group by must be there, and are guessed only where they tell rows apart", async () => {
    const error = await refusal(setsOf(judged, "prepare: {group_by: [rpeo]}"));
    assert.equal(error.code, "data/group-field");
    assert.match(error.fix ?? "", /did you mean "repo"\? there are: text, label, repo/);
    const one = Object.fromEntries(
      Object.entries(judged).map(([name, rows]) => [name, rows.map((row) => ({ ...row, repo: "x/0" }))]),
    );
    const { preparation } = await setsOf(one, "prepare: {leakage: {exact: report}}");
    assert.ok(preparation.every(({ step }) => step !== "leakage, group"));
  });
});

describe("parts of the training files", () => {
  const words = (i: number): string => `w${(i * 7919) % 1009} v${(i * 104729) % 2003}`;
  const rows: Rows = Array.from({ length: 200 }, (_, i) => ({
    text: words(i % 180),
    label: i % 180 < 120 ? "a" : "b",
    repo: `r${i % 45}`,
    n: 1 + (i % 3),
  }));
  const fractions = "data: {train: train.jsonl, validation: {fraction: 0.1}, test: {fraction: 0.2}}";

  async function split(own: Rows, more = ""): Promise<RunSets> {
    writeFileSync(join(folder, "train.jsonl"), own.map((row) => JSON.stringify(row)).join("\n"));
    return loadSets(
      parseRecipe(`base: m\n${fractions}\n${more}`, join(folder, "r.yaml"), { purpose: "train" }),
      undefined,
      {},
      () => {},
    );
  }
  const textsOf = (set: Dataset | undefined): string[] => [...set!.rows()].map(({ values }) => values.text!).sort();

  test("keep groups and equal texts together, and are the same rows whatever the order of the file", async () => {
    const { train, validation, preparation, splits } = await split(rows);
    const groupsOf = (set: Dataset | undefined): Set<string> =>
      new Set([...set!.rows()].map(({ groups }) => groups!.repo!));
    for (const repo of groupsOf(validation)) assert.ok(!groupsOf(train).has(repo));
    assert.match(preparation.find(({ step }) => step === "split")!.detail, /45 groups of rows by repo$/);
    assert.equal(splits!.sets.test!.rows + train.length + validation!.length, 200);
    assert.ok(Math.abs(validation!.length - 20) <= 4, `${validation!.length} rows`);
    const turned = await split(rows.toReversed());
    assert.deepEqual(textsOf(turned.validation), textsOf(validation));
    assert.deepEqual(textsOf(turned.train), textsOf(train));
    assert.notDeepEqual(textsOf((await split(rows, "seed: 7")).validation), textsOf(validation));
  });

  test("are found again by what is kept of them, and refused when the file is another", async () => {
    const sections = "prepare: {exact_duplicates: drop, balance: oversample}";
    const { train, splits } = await split(rows, sections);
    const read = (await setsOf({ train: rows }, "prepare: {leakage: {exact: ignore}}")).train;
    const again = setAgain(read, "train", splits!.sets.train!, "splits.json");
    // What is kept is the split; copies for balance are not part of it.
    assert.deepEqual([...new Set(lines(train))].sort(), [...lines(again)].sort());
    assert.deepEqual(Object.values(splits!.sets.train!.files).flat().length, splits!.sets.train!.positions.length);
    const other = (await setsOf({ train: rows.toReversed() })).train;
    assert.throws(() => setAgain(other, "train", splits!.sets.train!, "splits.json"), /not what they were/);
  });

  test("only the training rows are balanced, with what each row counts", async () => {
    const sections = "prepare: {balance: oversample}\nloss: {sample_weight: n}";
    const { train, validation, preparation } = await split(rows, sections);
    const { labels } = preparation.at(-1)!;
    const most = Math.max(...labels!.map(({ before }) => before));
    assert.deepEqual(
      labels!.map(({ label, after }) => [label, after]),
      [
        ["a", most],
        ["b", most],
      ],
    );
    const plain = await split(rows, "loss: {sample_weight: n}");
    assert.deepEqual(textsOf(validation), textsOf(plain.validation));
    const weightOf = new Map(rows.map((row, i) => [i + 1, (row as { n: number }).n]));
    for (const { line, weight } of train.rows()) assert.equal(weight, weightOf.get(line));
  });

  test("are refused when one would be empty, or labels cannot be balanced", async () => {
    const byLabel = "prepare: {group_by: [label]}\ndata: {train: train.jsonl, validation: {fraction: 0.4}}";
    assert.equal((await refusal(setsOf({ train: rows }, byLabel))).code, "data/lost-label");
    assert.equal(
      (
        await refusal(
          split(
            rows.map((row) => ({ ...row, repo: "x" })),
            "prepare: {group_by: [repo]}",
          ),
        )
      ).code,
      "data/empty-split",
    );
    const unlabelled = rows.map((_, i) => ({ prompt: words(i), completion: "x" }));
    assert.equal((await refusal(split(unlabelled, "prepare: {balance: oversample}"))).code, "data/balance-labels");
  });
});
