/** The published Dockerfiles: every row holds what its datasheet says, and the datasheet's agreement follows from the readings. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { packageRoot } from "../../src/base/package-root.ts";

type Lines = Readonly<Record<string, number>>;

interface Row {
  readonly id: string;
  readonly text: string;
  readonly labels: readonly string[];
  readonly lines: Lines;
  readonly group: string;
}

interface Reading {
  readonly id: string;
  readonly first: Lines;
  readonly second: Lines;
  readonly settled?: Readonly<Record<string, { readonly line: number | null }>>;
}

const folder = join(packageRoot, "data/dockerfile-risks");
const rowsOf = <T>(name: string): T[] =>
  readFileSync(join(folder, name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as T);

const sets = ["train", "validation", "test"].map((name) => rowsOf<Row>(`${name}.jsonl`));
const readings = new Map(rowsOf<Reading>("readings.jsonl").map((reading) => [reading.id, reading]));
const taxonomy = parse(readFileSync(join(packageRoot, "recipes/dockerfile-risks/risks.taxonomy.yaml"), "utf8")) as {
  classes: { name: string }[];
};
const classes = taxonomy.classes.map(({ name }) => name);

test("300, 100 and 100 files, no group in two sets, labels of the taxonomy with a line of the file each", () => {
  assert.deepEqual(
    sets.map((rows) => rows.length),
    [300, 100, 100],
  );
  const groups = sets.map((rows) => new Set(rows.map(({ group }) => group)));
  assert.equal(new Set(groups.flatMap((set) => [...set])).size, groups[0]!.size + groups[1]!.size + groups[2]!.size);
  for (const { id, text, labels, lines } of sets.flat()) {
    assert.deepEqual(
      labels,
      classes.filter((name) => labels.includes(name)),
      id,
    );
    assert.deepEqual(Object.keys(lines), labels, id);
    for (const line of Object.values(lines)) assert.notEqual(text.split("\n")[line - 1] ?? "", "", `${id}:${line}`);
  }
});

test("a label is what both readers said, or what the third reading settled", () => {
  for (const { id, lines } of sets.flat()) {
    const { first, second, settled } = readings.get(id)!;
    for (const name of classes) {
      const differs = first[name] !== second[name];
      assert.equal(Object.hasOwn(settled ?? {}, name), differs, `${id} ${name}`);
      const expected = differs ? (settled![name]!.line ?? undefined) : first[name];
      assert.equal(lines[name], expected, `${id} ${name}`);
    }
  }
});

test("Cohen's kappa of each class is the datasheet's", () => {
  const datasheet = readFileSync(join(folder, "README.md"), "utf8");
  const all = [...readings.values()];
  for (const name of classes) {
    const share = (held: (reading: Reading) => boolean): number => all.filter(held).length / all.length;
    const agreed = share(({ first, second }) => name in first === name in second);
    const [one, other] = [share(({ first }) => name in first), share(({ second }) => name in second)];
    const chance = one * other + (1 - one) * (1 - other);
    const kappa = ((agreed - chance) / (1 - chance)).toFixed(3);
    assert.match(datasheet, new RegExp(`^\\| ${name} \\|.*\\| ${kappa} \\|`, "m"));
  }
});
