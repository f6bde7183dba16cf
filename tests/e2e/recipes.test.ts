/** Every recipe for a task runs, on the rows that come with it and a model of two small layers. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { evaluate } from "../../src/app/api/evaluate.ts";
import { loadModel } from "../../src/app/api/load-model.ts";
import { train } from "../../src/app/api/train.ts";
import { shippedRecipes } from "../../src/app/init/shipped-recipes.ts";
import { pathList } from "../../src/base/recipe/combinations.ts";
import { loadRecipe } from "../../src/base/recipe/load.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-recipes-"));
const model = join(folder, "model");

/** What a recipe for a large model cannot keep with a small one. */
const toy = [
  `base=${model}`,
  "threads=1",
  "training.max_steps=2",
  "training.warmup_steps=0",
  "training.batch_size=4",
  "training.gradient_accumulation_steps=1",
  "template.max_length=320",
  "template.too_long=cut",
];

describe("every recipe for a task runs on its own rows", () => {
  before(() => writeSmallModel(model));
  after(() => rmSync(folder, { recursive: true }));

  for (const { name, path } of shippedRecipes()) {
    it(name, async () => {
      const { recipe } = loadRecipe(path);
      const set = [...toy, ...(recipe.lora ? ["lora.target_modules=all-linear"] : [])];
      const run = await train(path, { set, output: join(folder, name) });
      assert.equal(run.steps, 2);
      assert.equal(run.data.train.skipped, 0);
      if (recipe.data.labels === null) return;
      using loaded = await loadModel(run.folder, { threads: 1 });
      const { perClass, rows } = await evaluate(loaded, { data: pathList(recipe.data.test!), limit: 4 });
      assert.equal(rows, 4);
      const names = Object.values(recipe.data.labels);
      assert.deepEqual(
        perClass.map(({ label }) => label),
        names,
      );
    });
  }
});
