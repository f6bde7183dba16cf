/** Expected values were made with bitsandbytes 0.50.2 and its default backend (Linear4bit on a CPU). */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, test } from "node:test";
import { encodeBf16 } from "../../device/bf16.ts";
import type { Device } from "../../device/device.ts";
import { openDevice, openReferenceDevice } from "../../open-device.ts";
import { scope } from "../../tensor/scope.ts";
import { fromHost, type Tensor, toBytes, toFloats, zeros } from "../../tensor/tensor.ts";
import { dynamicMap } from "../dynamic-map.ts";
import { dequantizeNf4, quantizeNf4 } from "./nf4.ts";

function sha256(values: Float32Array | Uint8Array): string {
  return createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex");
}

test("dynamic maps", () => {
  const signed = dynamicMap("signed");
  assert.equal(signed.length, 256);
  assert.equal(sha256(signed), "e732639a65f497b4ad684bb166a4467708255edd5207757de8b8f0c7e1fda89c");
  assert.equal(sha256(dynamicMap("unsigned")), "305f002cc11278fb769d13b25b9fd0c7c83c8402c40a878fe086f4039fde6398");
});

const devices: readonly Device[] = [
  openReferenceDevice(),
  openReferenceDevice({ wide: true }),
  (await openDevice({ device: "cpu" })).device,
];

for (const device of devices) {
  describe(`nf4 on ${device.name}`, () => {
    after(() => device.close());

    test("a bf16 weight", () => {
      scope(() => {
        const values = Float32Array.from({ length: 128 }, (_, i) => (((i * 37) % 101) - 50) / 64);
        const quantized = quantizeNf4(fromHost(device, encodeBf16(values), [2, 64]), {
          blockSize: 64,
          doubleQuant: false,
        });
        assert.deepEqual([...toFloats(quantized.absmax as Tensor)], [0.78125, 0.78125]);
        assert.equal(
          Buffer.from(toBytes(quantized.packed)).toString("hex"),
          "04c16e29f3b05d17e29f3c05d18e2af4c16e18e3b05d17e29f3b05d18e2af4c1" +
            "6d18e3b04c17e29f3b05d17e2af4c06d18e2a04c16e29f3b05d17e29f3c05d18",
        );
      });
    });

    test("an f32 weight with double quantisation", () => {
      scope(() => {
        const values = Float32Array.from({ length: 19_200 }, (_, i) => {
          const raw = (((i * 7919) % 2003) - 1001) / 1024;
          return Math.fround(raw) * Math.fround(1 + ((Math.floor(i / 64) * 31) % 17) / 16);
        });
        assert.equal(sha256(values), "90e43c083c30d5e4e5270d6bccfc49cbabcc26e5f4f4ba9801b05a7c5e086665");
        const quantized = quantizeNf4(fromHost(device, values, [300, 64]), { blockSize: 64, doubleQuant: true });
        assert.ok("codes" in quantized.absmax);
        const { codes, nestedAbsmax, offset } = quantized.absmax;
        assert.equal(
          sha256(toBytes(quantized.packed)),
          "7586e85a22f30d34476a47ba0b8db12c98e8890ffefbd6033a0477730fd8be9a",
        );
        assert.equal(sha256(toBytes(codes)), "f544d05074c0def103c1004fdc6179e0c1c60c67eb3ae151c85deeedbb97bca2");
        assert.deepEqual([...toFloats(nestedAbsmax)], [0.5025191307067871, 0.4947066307067871]);
        assert.equal(offset, 1.452558994293213);
        assert.deepEqual(
          [...toFloats(dequantizeNf4(quantized, "f32")).subarray(0, 5)],
          [-0.9747732281684875, 0.9747732281684875, 0.7047189474105835, 0.7047189474105835, 0.5484240055084229],
        );
      });
    });

    test("a block of zeros is coded as zeros", () => {
      scope(() => {
        const quantized = quantizeNf4(zeros(device, [3, 43]), { blockSize: 64, doubleQuant: false });
        assert.ok(toBytes(quantized.packed).every((byte) => byte === 0x77));
        assert.ok(toFloats(dequantizeNf4(quantized, "f32")).every((value) => Object.is(value, 0)));
      });
    });

    test("releases what it took", () => {
      const before = device.memory().live;
      scope(() => {
        const weight = fromHost(device, new Float32Array(1000).fill(1), [10, 100]);
        dequantizeNf4(quantizeNf4(weight, { blockSize: 64, doubleQuant: true }), "bf16");
      });
      assert.equal(device.memory().live, before);
    });
  });
}
