import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { shippedRecipes } from "../../src/app/init/shipped-recipes.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { loadRecipe } from "../../src/base/recipe/load.ts";
import { fettle, fettleJson } from "../helpers/cli.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "fettle-init-")));
const cwd = { cwd: folder };
after(() => rmSync(folder, { recursive: true }));

describe("fettle init", () => {
  it("lists the six tasks, each with a variant for a CPU", async () => {
    const { recipes } = (await fettleJson(["init"], 0)) as { recipes: { name: string; title: string }[] };
    const names = recipes.map(({ name }) => name);
    for (const task of ["ag-news", "code-instruct", "dockerfile-risks", "java-vulnerabilities", "korean-qa"]) {
      assert.ok(names.includes(task) && names.includes(`${task}/nano`), task);
    }
    assert.ok(names.includes("solidity-swc/nano"));
    for (const { title } of recipes) assert.match(title, /^\w.{20,110}$/);
  });

  it("writes a project that trains as it is", async () => {
    const { recipe, next } = await fettleJson(["init", "solidity-swc", "--nano", "--output", "swc"], 0, cwd);
    assert.ok((next as string[]).includes("npx fettle train swc/recipe.yaml"));
    const shipped = loadRecipe(join(packageRoot, "recipes/solidity-swc/nano.yaml")).recipe;
    const written = loadRecipe(recipe as string).recipe;
    assert.equal(written.base, shipped.base);
    assert.deepEqual(written.training, shipped.training);
    assert.equal(written.data.train, join(folder, "swc/data/train.jsonl"));
    await fettleJson(["check", "swc/recipe.yaml"], 0, cwd);
    for (const [, data] of (next as string[]).join("\n").matchAll(/--data (\S+)/g)) {
      assert.ok(existsSync(join(folder, data!)), data);
    }
  });

  it("brings the sweeps of the recipe along, over the project's own data", async () => {
    await fettleJson(["init", "java-vulnerabilities", "--nano", "--output", "java"], 0, cwd);
    const { runs } = (await fettleJson(["sweep", "java/ranks.sweep.yaml", "--dry-run"], 0, cwd)) as { runs: object[] };
    assert.equal(runs.length, 9);
    assert.ok(!existsSync(join(folder, "java/published.sweep.yaml")), "that is one of another recipe");
    const text = readFileSync(join(folder, "java/ranks.sweep.yaml"), "utf8");
    assert.match(text, /^# {3}npx fettle sweep java\/ranks\.sweep\.yaml$/m);
  });

  it("takes the splits of a folder, and a model", async () => {
    const data = join(folder, "mine");
    cpSync(join(packageRoot, "examples/java-vulnerabilities"), data, { recursive: true });
    const words = ["init", "java-vulnerabilities/nano", "--data", "mine", "--model", "some/model", "--output", "a/b"];
    const { recipe } = await fettleJson(words, 0, cwd);
    const written = loadRecipe(recipe as string).recipe;
    assert.equal(written.base, "some/model");
    assert.equal(written.data.train, join(data, "train.jsonl"));
    assert.equal(written.data.validation, join(data, "validation.jsonl"));
    assert.equal(written.data.test, join(data, "test.jsonl"));
    assert.ok(!existsSync(join(folder, "a/b/data")));
  });

  it("holds out a part of a single file", async () => {
    const { recipe } = await fettleJson(
      [
        "init",
        "solidity-swc/nano",
        "--data",
        join(packageRoot, "examples/solidity-swc/train.jsonl"),
        "--output",
        "one",
      ],
      0,
      cwd,
    );
    const { data } = loadRecipe(recipe as string).recipe;
    assert.deepEqual(data.validation, { fraction: 0.1 });
    assert.equal(data.test, null);
  });
});

describe("fettle init refuses, and leaves nothing behind", () => {
  before(() => {
    mkdirSync(join(folder, "full"));
    writeFileSync(join(folder, "full/notes.txt"), "keep me");
    writeFileSync(join(folder, "other.jsonl"), '{"question":"a","reply":"b"}\n');
    mkdirSync(join(folder, "nothing"));
  });
  const cases: readonly (readonly [words: string, code: string])[] = [
    ["solidity-swc --output full", "output/exists"],
    ["solidity --output x", "init/unknown-name"],
    ["solidity-swc/nono --output x", "init/unknown-name"],
    ["solidity-swc --data missing.jsonl --output x", "init/no-data"],
    ["solidity-swc --data nothing --output x", "init/no-training-file"],
    ["solidity-swc --model nowhere --output x", "init/no-model"],
    ["solidity-swc --data other.jsonl --output x", "data/no-column"],
  ];
  for (const [words, code] of cases) {
    it(words, async () => {
      const { error } = await fettleJson(["init", ...words.split(" ")], 2, cwd);
      assert.equal((error as { code: string }).code, code);
      assert.ok(!existsSync(join(folder, "x")));
      assert.equal(readFileSync(join(folder, "full/notes.txt"), "utf8"), "keep me");
    });
  }

  it("names the nearest", async () => {
    const { stderr } = await fettle(["init", "ag-new"]);
    assert.match(stderr, /did you mean "ag-news"\?/);
    assert.ok(shippedRecipes().some(({ name }) => name === "ag-news"));
  });
});
