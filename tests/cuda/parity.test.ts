/** Logits, loss, gradients and LoRA of small models on CUDA against what transformers and PEFT computed in f32. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { compareClassifier } from "../../scripts/parity/classifiers.ts";
import { compareModel } from "../../scripts/parity/models.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { cudaSkip, openCudaForTests } from "../helpers/cuda.ts";

const root = join(packageRoot, "tests/fixtures/parity");

/** Its ReLU turns units on or off by a rounding, in PyTorch under bf16 autocast too, whose gradients are 0.06 off. */
const kinked = { family: "starcoder2_window", tolerance: 0.08 };

for (const precision of ["f32", "bf16"] as const) {
  describe(`reference results on CUDA, ${precision}`, { skip: cudaSkip }, () => {
    const device = openCudaForTests({ precision });
    after(() => device.close());
    for (const family of readdirSync(root).filter((name) => !name.includes("."))) {
      const isModel = existsSync(join(root, family, "model"));
      it(family, { skip: !isModel && "an encoder writes no words" }, () => {
        const rows = compareModel(join(root, family), device);
        assert.ok(rows.length >= (precision === "f32" ? 10 : 9), `${rows.length} quantities were compared`);
        const tolerated = precision === "bf16" && family === kinked.family ? kinked.tolerance : 0;
        assert.deepEqual(
          rows.filter(({ verdict, worst }) => verdict === "miss" && worst > tolerated),
          [],
        );
      });
      if (!existsSync(join(root, family, "classifier"))) continue;
      it(`${family}, with a class head`, () => {
        const misses = compareClassifier(join(root, family), device).filter(({ verdict }) => verdict === "miss");
        assert.deepEqual(misses, []);
      });
    }
  });
}
