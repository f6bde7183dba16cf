/**
 * DoRA (Liu et al. 2024, arXiv 2402.09353): a weight with its adapter, W + scale · B·A, keeps its direction, and each of
 * its rows gets the length that a trained magnitude says:
 *
 *   y = magnitude / ‖W + scale · B·A‖ ⊙ (x·Wᵀ + scale · (x·Aᵀ)·Bᵀ) + bias
 *
 * The norms are taken anew in every pass, and are a constant to the gradient (section 4.3). With dropout the adapter's
 * input d takes the place of x, and the layer's own answer to what was dropped stays as it is, as PEFT has it:
 *
 *   y = (x - d)·Wᵀ + bias + magnitude / ‖W + scale · B·A‖ ⊙ (d·Wᵀ + scale · (d·Aᵀ)·Bᵀ)
 *
 * Kernels (a row whose norm is 0 counts as magnitude / norm = 0):
 *   dora_norms    (norms [N], weight [N, K], ldw, dtype of weight, a [r, K] f32, b [N, r] f32, scale, N, K, r)
 *                  norms = ‖weight + scale · b·a‖ of every row
 *   dora_forward  (y [M, N], z [M, N], magnitude [N] f32, norms [N], bias [N] f32 | null, start [M, N] | null, M, N)
 *                  y = start + magnitude / norms ⊙ z + bias
 *   dora_backward (dz [M, N], dmagnitude [N] | null, dbias [N] | null, dy [M, N], z, magnitude, norms, M, N)
 *                  dz = magnitude / norms ⊙ dy,  dmagnitude += Σ rows of dy ⊙ z / norms,  dbias += Σ rows of dy
 */
import { dtypeCode } from "../../device/device.ts";
import { scope } from "../../tensor/scope.ts";
import { gradientOf, record } from "../../tensor/tape.ts";
import { empty, expectShape, lastAxis, rowCount, type Tensor } from "../../tensor/tensor.ts";
import { type LinearMember, plainWeight, type Weight } from "../linear/group.ts";
import { linears } from "../linear/linear.ts";
import type { LowRank } from "../linear/low-rank.ts";
import { copyMatrix, matrix } from "../linear/products.ts";

export interface DoraMember extends LinearMember {
  readonly adapter: LowRank;
}

/** @param x [.., in] @param magnitude [out] @returns [rows of x, out] */
export function doraLinear(x: Tensor, { weight, bias, adapter }: DoraMember, magnitude: Tensor): Tensor {
  const { input, ...factors } = adapter;
  return scope(() => {
    const norms = adaptedNorms(weight, adapter);
    const [z] = linears(input ?? x, [{ weight, adapter: factors }]) as [Tensor];
    if (input === undefined) return rescale(z, { magnitude, norms, bias });
    const [start] = linears(difference(x, input), [{ weight, bias }]) as [Tensor];
    return rescale(z, { magnitude, norms, start });
  });
}

/** ‖W + scale · B·A‖ of every row: [out], in f32, without a gradient. */
export function adaptedNorms(weight: Weight, { a, b, scale }: Pick<LowRank, "a" | "b" | "scale">): Tensor {
  const { device } = a;
  const [outputs, inputs] = weight.shape as [number, number];
  const rank = a.shape[0]!;
  expectShape("dora a", a, [rank, inputs]);
  expectShape("dora b", b, [outputs, rank]);
  const norms = empty(device, [outputs]);
  scope(() => {
    const { view, ld } = plainWeight(weight);
    device.launch("dora_norms", [norms, view, ld, dtypeCode[view.dtype], a, b, scale, outputs, inputs, rank]);
  });
  return norms;
}

export interface Rescaling {
  /** [out] */
  readonly magnitude: Tensor;
  /** [out] */
  readonly norms: Tensor;
  /** [out] */
  readonly bias?: Tensor | undefined;
  /** Added; shaped like z. */
  readonly start?: Tensor;
}

/** @param z [rows, out] @returns start + magnitude / norms ⊙ z + bias */
export function rescale(z: Tensor, { magnitude, norms, bias, start }: Rescaling): Tensor {
  const { device } = z;
  const [rows, width] = [rowCount(z), lastAxis(z)];
  expectShape("dora magnitude", magnitude, [width]);
  const y = empty(device, z.shape, z.dtype);
  device.launch("dora_forward", [y, z, magnitude, norms, bias ?? null, start ?? null, rows, width]);
  const parameters = bias ? [magnitude, bias] : [magnitude];
  const inputs = start ? [z, start, ...parameters] : [z, ...parameters];
  record([y], inputs, [z, norms, ...parameters], ([dy]) => {
    const dz = empty(device, z.shape, z.dtype);
    const dmagnitude = magnitude.trainable ? gradientOf(magnitude) : null;
    const dbias = bias?.trainable ? gradientOf(bias) : null;
    device.launch("dora_backward", [dz, dmagnitude, dbias, dy!, z, magnitude, norms, rows, width]);
    return [dz, dy];
  });
  return y;
}

/** x - d */
function difference(x: Tensor, d: Tensor): Tensor {
  const { device } = x;
  const y = empty(device, x.shape, x.dtype);
  copyMatrix(device, matrix(y), matrix(d), -1);
  device.launch("add", [y, x, y, y.length]);
  record([y], [x, d], [], ([dy], [, needsD]) => {
    if (!needsD) return [dy];
    const dd = empty(device, d.shape, d.dtype);
    copyMatrix(device, matrix(dd), matrix(dy!), -1);
    return [dy, dd];
  });
  return y;
}
