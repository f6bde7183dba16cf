/** Logits, loss, gradients, an AdamW step and LoRA of small models against what transformers and PEFT computed. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { compareModel } from "../../scripts/parity/models.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { openDevice, openReferenceDevice } from "../../src/engine/open-device.ts";

const root = join(packageRoot, "tests/fixtures/parity");
const devices = [openReferenceDevice(), (await openDevice({ device: "cpu", precision: "f32" })).device];

for (const device of devices) {
  describe(`reference results, ${device.name}`, () => {
    after(() => device.close());
    for (const family of readdirSync(root).filter((name) => !name.includes("."))) {
      test(family, () => {
        const rows = compareModel(join(root, family), device);
        assert.equal(rows.length, 10);
        assert.deepEqual(
          rows.filter(({ verdict }) => verdict === "miss"),
          [],
        );
      });
    }
  });
}
