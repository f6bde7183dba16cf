/** `fettle data split` and `fettle data balance`: files that hold the rows as they were, and say what was done. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettle, fettleJson } from "../helpers/cli.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-split-"));
after(() => rmSync(folder, { recursive: true }));

interface Row {
  readonly id: number;
  readonly text: string;
  readonly label: string;
  readonly repo: string;
}

const rows: readonly Row[] = Array.from({ length: 120 }, (_, id) => ({
  id,
  text: `word${(id * 7919) % 1009} other${(id * 104729) % 2003}`,
  label: id % 4 === 0 ? "rare" : "often",
  repo: `r${(id * 13) % 30}`,
}));
const lines = rows.map((row) => JSON.stringify(row));
const path = join(folder, "rows.jsonl");
// One copy, and one row without a label.
writeFileSync(path, [...lines, JSON.stringify({ ...rows[5], id: 120 }), '{"text": "no label"}'].join("\n"));

function read(file: string): Row[] {
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
}

describe("fettle data split", () => {
  const output = join(folder, "parts");
  const parts = (name: string): Row[] => read(join(output, `${name}.jsonl`));
  const split = (...more: readonly string[]): readonly string[] => ["data", "split", path, "--output", output, ...more];

  test("writes every row once, as it was, with repositories on one side and each label's share", async () => {
    const said = await fettleJson(split("--validation", "0.2", "--test", "0.1", "--exact-duplicates", "drop"), 0);
    const sets = ["train", "validation", "test"].map(parts);
    const ids = sets.flat().map(({ id }) => id);
    assert.deepEqual(
      ids.toSorted((a, b) => a - b),
      rows.map(({ id }) => id),
    );
    for (const row of sets.flat()) assert.deepEqual(row, rows[row.id]);
    const repositories = sets.map((set) => new Set(set.map(({ repo }) => repo)));
    assert.equal(
      repositories.reduce((sum, { size }) => sum + size, 0),
      30,
    );
    sets.slice(1).forEach((set, i) => {
      const share = [0.2, 0.1][i]!;
      assert.ok(Math.abs(set.length / 120 - share) < 0.04, `${set.length} rows`);
      assert.ok(Math.abs(set.filter(({ label }) => label === "rare").length / 30 - share) < 0.1);
    });
    assert.equal(said.skipped, 1);
    assert.deepEqual(
      Object.values(said.files as Record<string, number>),
      sets.map(({ length }) => length),
    );
    const steps = said.steps as { step: string; in: number; out: number }[];
    assert.deepEqual(steps.map(({ step, in: before, out }) => [step, before, out]).slice(0, 3), [
      ["conflicting labels", 121, 121],
      ["exact duplicates", 121, 120],
      ["split", 120, sets[0]!.length],
    ]);
  });

  test("leaves files that are there alone, and shares that cannot be", async () => {
    const before = readFileSync(join(output, "train.jsonl"));
    const again = await fettle(split("--validation", "0.5"));
    assert.equal(again.code, 2);
    assert.match(again.stderr, /there is such a file already[\s\S]*train\.jsonl[\s\S]*--force/);
    assert.deepEqual(readFileSync(join(output, "train.jsonl")), before);
    assert.equal((await fettle(split("--validation", "0.5", "--force"))).code, 0);
    assert.match((await fettle(split("--validation", "0.5", "--test", "0.5"))).stderr, /leave nothing to train on/);
    assert.match((await fettle(split())).stderr, /not said what to split off/);
    const unknown = await fettle(split("--test", "0.1", "--group", "rep", "--force"));
    assert.match(unknown.stderr, /no field "rep"[\s\S]*did you mean "repo"/);
  });
});

describe("fettle data balance", () => {
  test("writes each label's rows as often as the method says, and refuses what it cannot", async () => {
    const output = join(folder, "balanced.jsonl");
    const said = await fettleJson(["data", "balance", path, "--method", "oversample", "--output", output], 0);
    const count = (label: string): number => read(output).filter((row) => row.label === label).length;
    assert.deepEqual([count("often"), count("rare")], [91, 91]);
    const [step] = said.steps as { labels: object }[];
    assert.deepEqual(step!.labels, [
      { label: "often", before: 91, after: 91 },
      { label: "rare", before: 30, after: 91 },
    ]);
    const table = await fettle(["data", "balance", path, "--method", "undersample", "--output", join(folder, "b.csv")]);
    assert.equal(table.code, 2);
    assert.match(table.stderr, /end the name in \.jsonl/);
    assert.ok(!existsSync(join(folder, "b.csv")));
    const lists = join(folder, "lists.jsonl");
    writeFileSync(lists, rows.map(({ text, label }) => JSON.stringify({ text, labels: [label] })).join("\n"));
    const several = await fettle([
      "data",
      "balance",
      lists,
      "--method",
      "oversample",
      "--output",
      join(folder, "c.jsonl"),
    ]);
    assert.match(several.stderr, /several labels/);
  });
});

describe("a test set that a run took from its training files", () => {
  const nano = join(packageRoot, "models/fettle-nano");
  const recipe = join(folder, "recipe.yaml");
  const run = join(folder, "run");
  const trained = (output: string, ...more: readonly string[]): Promise<Record<string, unknown>> =>
    fettleJson(["train", recipe, "--output", output, ...more], 0);

  test("is scored without naming files, by the rows that are in no other set; and compared between runs", async () => {
    const data = `data: {train: ${path}, validation: {fraction: 0.1}, test: {fraction: 0.2}}`;
    const prepare = "prepare: {exact_duplicates: drop, balance: oversample}";
    const training = "training: {max_steps: 2, batch_size: 4}\nlora: {r: 2}";
    const template = "template: {whitespace: collapse}";
    writeFileSync(recipe, `base: ${nano}\ndevice: cpu\n${data}\n${prepare}\n${template}\n${training}\n`);
    const made = await trained(run);
    const { sets } = JSON.parse(readFileSync(join(run, "splits.json"), "utf8")) as {
      sets: Record<string, { rows: number; files: Record<string, [number, number][]> }>;
    };
    const linesOf = (name: string): number[] =>
      Object.values(sets[name]!.files)
        .flat()
        .flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
    // Line 121 is the copy, line 122 has no label.
    assert.deepEqual(
      Object.keys(sets)
        .flatMap(linesOf)
        .sort((a, b) => a - b),
      rows.map(({ id }) => id + 1),
    );
    const predictions = join(folder, "predictions.jsonl");
    const scored = await fettleJson(["eval", run, "--predictions", predictions], 0);
    assert.equal(scored.rows, sets.test!.rows);
    const where = read(predictions).map((row) => (row as unknown as { where: string }).where);
    assert.deepEqual(
      where,
      linesOf("test").map((line) => `${path}:${line}`),
    );
    const info = JSON.parse(readFileSync(join(run, "run.json"), "utf8")) as {
      data: { train: { rows: number }; preparation: { step: string; out: number; labels?: { after: number }[] }[] };
    };
    assert.deepEqual(info.data, made.data);
    const balance = info.data.preparation.at(-1)!;
    assert.equal(balance.out, info.data.train.rows);
    assert.equal(balance.labels![0]!.after, balance.labels![1]!.after);
    const other = join(folder, "other");
    await trained(other, "--set", "training.learning_rate=0.001");
    const compared = await fettle(["compare", run, other]);
    assert.equal(compared.code, 0, compared.stderr);
  });

  test("is refused when the files are no longer those, and gone on with only while they are", async () => {
    const before = readFileSync(path, "utf8");
    try {
      writeFileSync(path, before.split("\n").toReversed().join("\n"));
      const scored = await fettle(["eval", run]);
      assert.equal(scored.code, 2);
      assert.match(scored.stderr, /the training files are not what they were/);
      const resumed = await fettle(["train", recipe, "--output", run, "--resume", "--set", "training.max_steps=4"]);
      assert.match(resumed.stderr, /the training examples differ/);
    } finally {
      writeFileSync(path, before);
    }
  });
});
