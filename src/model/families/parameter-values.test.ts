import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { Random } from "../../base/random.ts";
import { decodeBf16, encodeBf16 } from "../../engine/device/bf16.ts";
import { openDevice, openReferenceDevice } from "../../engine/open-device.ts";
import { randomInit } from "../../engine/optim/random-init.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { empty, toBytes } from "../../engine/tensor/tensor.ts";
import { openWeights } from "../files/weights.ts";
import { saveWeights } from "../files/weights-write.ts";
import { checkpointValues, randomValues } from "./parameter-values.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-values-"));
after(() => rmSync(folder, { recursive: true }));

const random = new Random(1);
const floats = Float32Array.from({ length: 7 * 23 }, () => random.normal());
/** binary16: 0, smallest subnormal, largest subnormal, smallest normal, 1, -2, largest, -infinity. */
const halves = Uint16Array.of(0, 0x0001, 0x03ff, 0x0400, 0x3c00, 0xc000, 0x7bff, 0xfc00);
const ofHalves = [0, 2 ** -24, 2 ** -14 - 2 ** -24, 2 ** -14, 1, -2, 65504, Number.NEGATIVE_INFINITY];

function bytes(values: Float32Array | Uint16Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

saveWeights(folder, [
  { name: "f32", dtype: "F32", shape: [7, 23], bytes: bytes(floats) },
  { name: "bf16", dtype: "BF16", shape: [7, 23], bytes: bytes(encodeBf16(floats)) },
  { name: "f16", dtype: "F16", shape: [2, 4], bytes: bytes(halves) },
  { name: "i32", dtype: "I32", shape: [2], bytes: bytes(Int32Array.of(1, 2)) },
]);

for (const device of [openReferenceDevice(), (await openDevice({ device: "cpu" })).device]) {
  describe(`values of parameters on ${device.name}`, () => {
    // Parts of few elements, of a number that divides no length, and of everything.
    for (const partBytes of [8, 24, 2 ** 20]) {
      test(`a checkpoint in parts of ${partBytes} bytes, in every dtype`, () => {
        using weights = openWeights(folder);
        const values = checkpointValues(weights, partBytes);
        const filled = (name: string, shape: readonly number[], dtype: "f32" | "bf16"): Uint8Array =>
          scope(() => {
            const target = empty(device, shape, dtype);
            values.fill(target, name);
            return { bytes: toBytes(target) };
          }).bytes;
        const before = device.memory().live;
        assert.deepEqual(filled("f32", [7, 23], "f32"), bytes(floats));
        assert.deepEqual(filled("f32", [7, 23], "bf16"), bytes(encodeBf16(floats)));
        assert.deepEqual(filled("bf16", [7, 23], "bf16"), bytes(encodeBf16(floats)));
        assert.deepEqual(filled("bf16", [7, 23], "f32"), bytes(decodeBf16(encodeBf16(floats))));
        assert.deepEqual(filled("f16", [2, 4], "f32"), bytes(Float32Array.from(ofHalves)));
        assert.deepEqual(filled("f16", [2, 4], "bf16"), bytes(encodeBf16(ofHalves)));
        assert.deepEqual(["f32", "bf16", "f16"].map(values.dtype), ["f32", "bf16", "f32"]);
        assert.throws(() => filled("i32", [2], "f32"), { code: "model/unsupported-dtype" });
        assert.throws(() => filled("f16", [4, 2], "f32"), { code: "model/wrong-shape" });
        assert.throws(() => filled("f17", [2, 4], "f32"), { code: "files/no-tensor" });
        assert.equal(device.memory().live, before);
      });
    }

    test("random values are the host's", () => {
      const options = { seed: 3, range: 0.02 };
      scope(() => {
        const target = empty(device, [5, 9]);
        randomValues(options).fill(target, "a.weight");
        assert.deepEqual(toBytes(target), bytes(randomInit("a.weight", [5, 9], options)));
      });
    });
  });
}
