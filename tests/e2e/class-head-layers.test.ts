/** Class heads of several dense layers: trained, saved, merged and started from, as those of one. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { exportModel } from "../../src/app/api/export.ts";
import { loadModel } from "../../src/app/api/load-model.ts";
import { type Prediction, predict } from "../../src/app/api/predict.ts";
import { type RecipeInput, train } from "../../src/app/api/train.ts";
import { openSafetensors } from "../../src/model/files/safetensors.ts";
import { finish, start } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-layers-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const base = join(scratch, "base");
writeSmallModel(base);
const rows = join(scratch, "rows.jsonl");
writeFileSync(
  rows,
  Array.from({ length: 24 }, (_, i) => {
    return JSON.stringify({ text: `row ${i} ${i % 2 ? "sun and sea" : "snow"}`, label: i % 2 ? "warm" : "cold" });
  }).join("\n"),
);
const recipe: RecipeInput = {
  base,
  task_type: "SEQ_CLS",
  head: { dense: [16, 8], activation: "relu", dropout: 0.1 },
  data: { train: rows },
  training: { max_steps: 4, batch_size: 8, learning_rate: 1e-2 },
};

async function answers(path: string): Promise<Prediction[]> {
  using model = await loadModel(path, { base });
  const predictions: Prediction[] = [];
  for await (const one of predict(model, { texts: ["row 1 sun and sea", "row 2 snow", "sea"] })) predictions.push(one);
  return predictions;
}

function shapes(path: string): Record<string, readonly number[]> {
  using file = openSafetensors(path);
  const ofHead = [...file.tensors].filter(([name]) => name.includes("score."));
  return Object.fromEntries(ofHead.map(([name, { shape }]) => [name.replace("base_model.model.", ""), shape]));
}

const twoLayers = {
  "score.dense.0.bias": [16],
  "score.dense.0.weight": [16, 32],
  "score.dense.1.bias": [8],
  "score.dense.1.weight": [8, 16],
  "score.out_proj.bias": [2],
  "score.out_proj.weight": [2, 8],
};

function assertNear(actual: readonly Prediction[], expected: readonly Prediction[]): void {
  expected.forEach(({ probabilities }, i) => {
    for (const [name, p] of Object.entries(probabilities)) {
      assert.ok(Math.abs(p - actual[i]!.probabilities[name]!) < 1e-3, `${name}: ${p}`);
    }
  });
}

describe("a class head of several dense layers", () => {
  test("an adapter: whole on its own, the same where training goes on from it, and merged", async () => {
    const { folder } = await train(recipe, { output: join(scratch, "lora") });
    const adapter = join(folder, "adapter");
    assert.deepEqual(shapes(join(adapter, "adapter_model.safetensors")), twoLayers);
    const before = await answers(folder);
    assert.deepEqual(await answers(adapter), before);

    const training = { max_steps: 1, learning_rate: 1e-12 };
    const further = await train({ ...recipe, warm_start: folder, training }, { output: join(scratch, "further") });
    assertNear(await answers(further.folder), before);

    const output = join(scratch, "merged");
    await exportModel(folder, { format: "safetensors", output, dtype: "f32" });
    assert.deepEqual(shapes(join(output, "model.safetensors")), twoLayers);
    assertNear(await answers(output), before);

    const refused = [
      [16, "class-head"],
      [[16], "class-head"],
      [[16, 8, 4], "no-class-head"],
      [[16, 4], "wrong-shape"],
      [null, "class-head"],
    ] as const;
    for (const [dense, code] of refused) {
      const other = { ...recipe, warm_start: folder, head: { dense } };
      await assert.rejects(train(other, { output: join(scratch, "other") }), { code: `adapter/${code}` });
    }
  });

  test("a whole model is a base again, for the same head", async () => {
    const full: RecipeInput = { ...recipe, method: "full", training: { ...recipe.training, learning_rate: 1e-3 } };
    const { folder } = await train(full, { output: join(scratch, "full") });
    const model = join(folder, "model");
    assert.deepEqual(shapes(join(model, "model.safetensors")), twoLayers);
    const before = await answers(folder);
    assert.deepEqual(await answers(model), before);
    const training = { max_steps: 1, learning_rate: 1e-12 };
    const again = await train({ ...recipe, base: model, training }, { output: join(scratch, "again") });
    assertNear(await answers(again.folder), before);
    for (const dense of [16, [16, 8, 8], [8, 8]]) {
      const other = { ...recipe, base: model, head: { dense } };
      await assert.rejects(train(other, { output: join(scratch, "no") }), { code: "model/other-class-head" });
    }
  });

  test("a list of one is a number; what is no width is refused with its place", async () => {
    const path = join(scratch, "recipe.yaml");
    writeFileSync(path, JSON.stringify(recipe));
    const output = join(scratch, "one");
    const tried = async (dense: string): Promise<{ code: number | null; stderr: string }> =>
      finish(start(["train", path, "--output", output, "--set", `head.dense=${dense}`]));
    assert.equal((await tried("[16]")).code, 0);
    const { "score.dense.weight": weight } = shapes(join(output, "adapter/adapter_model.safetensors"));
    assert.deepEqual(weight, [16, 32]);
    for (const dense of ["[]", "[16, 0]", "[16, 1.5]", "[wide]", "0", "[[16]]", "[99999]"]) {
      const { code, stderr } = await tried(dense);
      assert.equal(code, 2);
      assert.match(stderr, /head\.dense.*: expected .*\n.*where: --set head\.dense=/, dense);
    }
  });
});
