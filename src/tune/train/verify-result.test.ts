import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { writeSmallModel } from "../../../tests/helpers/small-model.ts";
import { Random } from "../../base/random.ts";
import { methodSections, recipeSchema } from "../../base/recipe/schema.ts";
import { openReferenceDevice } from "../../engine/open-device.ts";
import { EncodedDataset } from "../data/encoded-dataset.ts";
import { Problems } from "../data/problems.ts";
import { prepareTrainee, type Trainee } from "./method.ts";
import { saveResult } from "./save-result.ts";
import { verifyResult } from "./verify-result.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-verify-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const base = join(scratch, "base");
writeSmallModel(base);

const ones = new Float32Array(2).fill(1);
const labels = { names: ["a", "b"], weights: { classWeights: ones, alpha: ones, positive: ones, negative: ones } };

function traineeOf(options: object): Trainee {
  const recipe = recipeSchema.parse({ base, ...options });
  const complete = { ...recipe, ...methodSections(recipe, recipe) };
  const trainee = prepareTrainee(complete, base, null, openReferenceDevice(), undefined, labels);
  for (const [name, tensor] of trainee.trainable) {
    const random = new Random(1, name);
    const values = Float32Array.from({ length: tensor.length }, () => random.normal() * 0.1);
    tensor.device.write(tensor, new Uint8Array(values.buffer));
  }
  return trainee;
}

function rowsOf(classHead: boolean): EncodedDataset {
  const rows = new EncodedDataset(new Problems(), { beside: (row) => (classHead ? { labels: [row % 2] } : {}) });
  const random = new Random(2);
  for (let row = 0; row < 20; row++) {
    const ids = Int32Array.from({ length: 5 + row }, () => random.integer(1000));
    const supervised = Uint8Array.from(ids, (_, i) => (i > 2 ? 1 : 0));
    rows.push({ ids, supervised }, row);
  }
  return rows;
}

/** The last byte of the weights, other than it was. */
function damage(folder: string): void {
  const path = join(folder, readdirSync(folder).find((name) => name.endsWith(".safetensors"))!);
  const bytes = readFileSync(path);
  bytes[bytes.length - 1]! ^= 0x41;
  writeFileSync(path, bytes);
}

const cases: Readonly<Record<string, object>> = {
  "an adapter": {},
  "an adapter with a class head": { task_type: "SEQ_CLS" },
  "a model": { method: "full" },
  "a model with a class head": { method: "full", task_type: "SEQ_CLS", head: { dense: 8 } },
};

describe("what was saved is what was trained, to the bit", () => {
  for (const [name, options] of Object.entries(cases)) {
    test(`${name}; damaged, it is refused`, async () => {
      using trainee = traineeOf(options);
      const rows = rowsOf(trainee.model.classHead !== undefined);
      const folder = await saveResult(trainee, join(scratch, name), { classifier: undefined, padToken: undefined });
      verifyResult(trainee, folder, rows);
      damage(folder);
      assert.throws(() => verifyResult(trainee, folder, rows), { code: "train/saved-differs" });
    });
  }
});
