/**
 * The same values in another float dtype; to bf16 rounds to nearest, ties to even. No gradient rule.
 *
 * Kernel: cast (y, dtype of y, x, dtype of x, length), dtypes f32 and bf16
 */
import { type DType, dtypeCode } from "../../device/device.ts";
import { empty, expectShape, type Tensor } from "../../tensor/tensor.ts";

/** @returns a new tensor, also where the dtype stays the same. */
export function cast(x: Tensor, dtype: "f32" | "bf16"): Tensor {
  const y = empty(x.device, x.shape, dtype);
  castInto(y, x);
  return y;
}

/** Overwrites y with the values of x. */
export function castInto(y: Tensor, x: Tensor): void {
  expectShape("cast", x, y.shape);
  x.device.launch("cast", [y, floatCode(y.dtype), x, floatCode(x.dtype), x.length]);
}

function floatCode(dtype: DType): number {
  if (dtype !== "f32" && dtype !== "bf16") throw new Error(`cast: ${dtype} is not a float dtype`);
  return dtypeCode[dtype];
}
