/** Whether a device computes at all, and right: a small product, against the reference device. */
import { Random } from "../../base/random.ts";
import type { Device } from "../../engine/device/device.ts";
import { openReferenceDevice } from "../../engine/open-device.ts";
import { cast } from "../../engine/ops/cast/cast.ts";
import { linear } from "../../engine/ops/linear/linear.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { fromHost, toFloats } from "../../engine/tensor/tensor.ts";

/** Of a sum of 64 products of numbers below 1: rounding of f32, and of inputs to 8 bits. */
const tolerances = { f32: 1e-4, bf16: 0.1 } as const;

export interface ProductCheck {
  /** Greatest difference from the reference. */
  readonly error: number;
  readonly right: boolean;
}

/** @throws UserError when a kernel cannot be compiled */
export function checkProduct(device: Device): ProductCheck {
  const random = new Random(1, "doctor");
  const input = Float32Array.from({ length: 5 * 64 }, () => random.uniform());
  const weight = Float32Array.from({ length: 33 * 64 }, () => random.uniform() - 0.5);
  const product = (on: Device): Float32Array =>
    scope(() => {
      const [x, w] = [fromHost(on, input, [5, 64]), fromHost(on, weight, [33, 64])];
      return toFloats(cast(linear(cast(x, on.activations), cast(w, on.activations)), "f32"));
    });
  const reference = openReferenceDevice();
  const expected = product(reference);
  reference.close();
  const error = product(device).reduce((worst, value, i) => {
    const difference = Math.abs(value - expected[i]!);
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
  }, 0);
  return { error, right: error <= tolerances[device.precision] };
}
