/**
 * y = x·Wᵀ + b, for several weights that share the input x (q, k and v; gate and up), each with an optional low-rank
 * adapter: y += scale · (x·Aᵀ)·Bᵀ (LoRA, Hu et al. 2021, arXiv 2106.09685). One op, so that the layers of a group share
 * what they can: see the ways of computing it, `together`, `one-by-one` and `adapter-rows`.
 *
 * Kernels; `precision` says how inputs of products are rounded, weights are f32 or bf16 (their dtype code is passed),
 * ld is the distance from one row to the next (`products.ts` builds the arguments), a `start` may be the output itself:
 *   linear_forward         (x [M, K], M, K, ldx, precision, n, n times: weight [N, K], ldw, dtype, N, bias [N] | null,
 *                           start [M, N] | null, ldstart, y [M, N], ldy, alpha)
 *                           y = start + alpha · x·Wᵀ + bias
 *   linear_backward_input  (dx [M, K], M, K, lddx, precision, start [M, K] | null, ldstart, n, n times: dy [M, N], lddy,
 *                           weight [N, K] or transposed, ldw, dtype, N, transposed 0 | 1, alpha)
 *                           dx = start + Σ alpha · dy·W
 *   linear_backward_weight (x [M, K], M, K, ldx, precision, n, n times: dy [M, N], lddy, N, dweight [N, K] | null,
 *                           dbias [N] | null, alpha)
 *                           dweight += alpha · dyᵀ·x,  dbias += Σ rows of dy
 *   linear_copy            (to [M, N], ldto, from [M, N], ldfrom, M, N, alpha)
 *                           to = alpha · from, of one dtype
 */
import { gradientOf, isRecording, record } from "../../tensor/tape.ts";
import { empty, rowCount, type Tensor } from "../../tensor/tensor.ts";
import { cast } from "../cast/cast.ts";
import { adapterRows, fitsRows } from "./adapter-rows.ts";
import { backwardGroup, groupInputs, savedOf } from "./backward.ts";
import { emptyOutputs, type LinearGroup, type LinearMember, type Way, type Weight } from "./group.ts";
import { addGradientsOfB, gradientOfH, lowRankColumns } from "./low-rank.ts";
import { oneByOne } from "./one-by-one.ts";
import { matrix, multiplyForward, multiplyToInput, multiplyToWeights, weightMatrix } from "./products.ts";
import { together } from "./together.ts";

/** @param x [..., in] @returns one [rows of x, out] per member */
export function linears(x: Tensor, members: readonly LinearMember[]): Tensor[] {
  const outputs = emptyOutputs({ x, members }, rowCount(x));
  const group: LinearGroup = { x, members, ranks: lowRankColumns(x, members) };
  const way = wayOf(group);
  way.forward(group, outputs);
  const inputs = groupInputs(group);
  if (isRecording(inputs)) {
    record(outputs, inputs, savedOf(group), (gradients, needs) => {
      const dh = group.ranks && gradientOfH(group.ranks, members, gradients);
      if (group.ranks) addGradientsOfB(group.ranks, members, gradients);
      return backwardGroup(group, way, gradients, dh, needs);
    });
  }
  return outputs;
}

/** @param x [..., in] @returns [rows of x, out] */
export function linear(x: Tensor, weight: Weight, bias?: Tensor): Tensor {
  return linears(x, [{ weight, bias }])[0]!;
}

/** x·Wᵀ + b in f32 whatever the activations are in, as logits are wanted. @param x [.., in] @returns [rows of x, out] */
export function linearF32(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const { device } = x;
  const y = empty(device, [rowCount(x), weight.shape[0]!]);
  multiplyForward(device, matrix(x), [{ weight: weightMatrix(weight), y: matrix(y), bias }]);
  const inputs = bias ? [x, weight, bias] : [x, weight];
  record([y], inputs, inputs, ([given], needs) => {
    const dy = matrix(x.dtype === "f32" ? given! : cast(given!, "bf16"));
    const dx = needs[0] ? empty(device, x.shape, x.dtype) : undefined;
    if (dx) multiplyToInput(device, matrix(dx), [{ dy, weight: weightMatrix(weight) }]);
    const dweight = weight.trainable ? gradientOf(weight) : undefined;
    const dbias = bias?.trainable ? gradientOf(bias) : undefined;
    if (dweight || dbias) multiplyToWeights(device, matrix(x), [{ dy, dweight, dbias }]);
    return [dx];
  });
  return y;
}

function wayOf(group: LinearGroup): Way {
  if (fitsRows(group)) return adapterRows;
  return group.x.device.batchesProducts ? together : oneByOne;
}
