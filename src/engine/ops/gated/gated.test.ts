import assert from "node:assert/strict";
import { test } from "node:test";
import { ReferenceDevice } from "../../device/reference/reference-device.ts";
import { scope } from "../../tensor/scope.ts";
import { fromHost, toFloats } from "../../tensor/tensor.ts";
import type { Activation } from "../activation/activation.ts";
import { gatedReference } from "./gated.reference.ts";
import { gated } from "./gated.ts";

const at = [-3, -1, -0.5, 0, 0.5, 1, 3];

/** Computed with torch and transformers, in float32. */
const expected: Readonly<Record<Activation, readonly number[]>> = {
  silu: [-0.1422776133, -0.2689414322, -0.1887703389, 0, 0.311229676, 0.731058598, 2.8577225208],
  gelu: [-0.004050225, -0.158655256, -0.1542687714, 0, 0.3457312286, 0.8413447142, 2.9959497452],
  gelu_pytorch_tanh: [-0.0036374331, -0.1588079929, -0.1542859972, 0, 0.3457140029, 0.8411920071, 2.9963626862],
  relu: [0, 0, 0, 0, 0.5, 1, 3],
  quick_gelu: [-0.0180713106, -0.1542042345, -0.1496115625, 0.0, 0.3503884375, 0.8457957506, 2.9819288254],
  tanh: [-0.9950547814, -0.761594177, -0.4621171653, 0, 0.4621171653, 0.761594177, 0.9950547814],
};

for (const activation of Object.keys(expected) as Activation[]) {
  test(`${activation} has PyTorch's values`, () => {
    const device = new ReferenceDevice(gatedReference);
    scope(() => {
      const y = gated(
        fromHost(device, Float32Array.from(at)),
        fromHost(device, new Float32Array(7).fill(2)),
        activation,
      );
      toFloats(y).forEach((value, i) => {
        const error = Math.abs(value / 2 - expected[activation][i]!);
        assert.ok(error < 1e-6, `${activation}(${at[i]}) = ${value / 2}, PyTorch has ${expected[activation][i]}`);
      });
    });
  });
}
