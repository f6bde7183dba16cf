/**
 * to = fromᵀ, for matrices of one dtype whose rows lie ld elements apart. No gradient rule: it is for weights.
 *
 * Kernel: transpose (to [columns, rows], ldto, from [rows, columns], ldfrom, rows, columns), f32; on CUDA also bf16
 */
import type { Device } from "../../device/device.ts";
import type { Matrix } from "../linear/products.ts";

/** Overwrites `to` [columns, rows] with `from` [rows, columns]. */
export function transposeInto(device: Device, to: Matrix, from: Matrix): void {
  device.launch("transpose", [to.view, to.ld, from.view, from.ld, from.rows, from.columns]);
}
