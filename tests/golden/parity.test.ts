/** Logits, loss, gradients, an AdamW step, LoRA and class heads of small models against what transformers and PEFT computed. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { compareClassifier } from "../../scripts/parity/classifiers.ts";
import { compareModel } from "../../scripts/parity/models.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { openDevice, openReferenceDevice } from "../../src/engine/open-device.ts";

const root = join(packageRoot, "tests/fixtures/parity");
const devices = [openReferenceDevice(), (await openDevice({ device: "cpu", precision: "f32" })).device];

for (const device of devices) {
  describe(`reference results, ${device.name}`, () => {
    after(() => device.close());
    for (const family of readdirSync(root).filter((name) => !name.includes("."))) {
      const isModel = existsSync(join(root, family, "model"));
      test(family, { skip: !isModel && "an encoder writes no words" }, () => {
        const rows = compareModel(join(root, family), device);
        assert.equal(rows.length, existsSync(join(root, family, "adapter-dora")) ? 12 : 10);
        assert.deepEqual(
          rows.filter(({ verdict }) => verdict === "miss"),
          [],
        );
      });
      if (!existsSync(join(root, family, "classifier"))) continue;
      test(`${family}, with a class head`, () => {
        const rows = compareClassifier(join(root, family), device);
        assert.deepEqual(
          rows.map(({ quantity, verdict }) => [quantity, verdict]),
          ["cls.logits", "cls.loss", "cls.grad", "cls.grad, all"].map((quantity) => [quantity, "ok"]),
        );
      });
    }
  });
}
