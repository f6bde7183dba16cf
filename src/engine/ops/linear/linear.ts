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
 *                           weight [N, K], ldw, dtype, N, alpha)
 *                           dx = start + Σ alpha · dy·W
 *   linear_backward_weight (x [M, K], M, K, ldx, precision, n, n times: dy [M, N], lddy, N, dweight [N, K] | null,
 *                           dbias [N] | null, alpha)
 *                           dweight += alpha · dyᵀ·x,  dbias += Σ rows of dy
 *   linear_copy            (to [M, N], ldto, from [M, N], ldfrom, M, N, alpha)
 *                           to = alpha · from, of one dtype
 */
import { gradientOf, isRecording, record } from "../../tensor/tape.ts";
import { empty, rowCount, type Tensor } from "../../tensor/tensor.ts";
import { adapterRows, fitsRows } from "./adapter-rows.ts";
import { emptyOutputs, isTensor, type LinearGroup, type LinearMember, type Way, type Weight } from "./group.ts";
import { lowRankColumns } from "./low-rank.ts";
import { oneByOne } from "./one-by-one.ts";
import {
  columnsOf,
  matrix,
  multiplyForward,
  multiplyToInput,
  multiplyToWeights,
  type WeightProduct,
  weightMatrix,
} from "./products.ts";
import { together } from "./together.ts";

/** @param x [..., in] @returns one [rows of x, out] per member */
export function linears(x: Tensor, members: readonly LinearMember[]): Tensor[] {
  const outputs = emptyOutputs({ x, members }, rowCount(x));
  const group: LinearGroup = { x, members, ranks: lowRankColumns(x, members) };
  const way = wayOf(group);
  way.forward(group, outputs);
  const inputs = linearInputs(group);
  if (isRecording(inputs)) {
    const saved = [x, ...inputs.slice(1), ...(group.ranks ? [group.ranks.h] : [])];
    record(outputs, inputs, saved, (gradients, needs) => backward(group, way, gradients, needs));
  }
  return outputs;
}

/** @param x [..., in] @returns [rows of x, out] */
export function linear(x: Tensor, weight: Weight, bias?: Tensor): Tensor {
  return linears(x, [{ weight, bias }])[0]!;
}

/** x·Wᵀ in f32 whatever the activations are in, as logits are wanted. No gradient rule. */
export function linearF32(x: Tensor, weight: Tensor): Tensor {
  const y = empty(x.device, [rowCount(x), weight.shape[0]!]);
  multiplyForward(x.device, matrix(x), [{ weight: weightMatrix(weight), y: matrix(y) }]);
  return y;
}

function wayOf(group: LinearGroup): Way {
  if (fitsRows(group)) return adapterRows;
  return group.x.device.batchesProducts ? together : oneByOne;
}

/** x first, then whatever else could need a gradient: dropped-out adapter inputs and parameters. */
function linearInputs({ x, members }: LinearGroup): Tensor[] {
  const dropped = members.flatMap(({ adapter }) => (adapter?.input ? [adapter.input] : []));
  const parameters = members.flatMap(({ weight, bias, adapter }) => [
    ...(isTensor(weight) ? [weight] : []),
    ...(bias ? [bias] : []),
    ...(adapter ? [adapter.a, adapter.b] : []),
  ]);
  return [x, ...dropped, ...parameters];
}

function backward(
  group: LinearGroup,
  way: Way,
  gradients: readonly (Tensor | undefined)[],
  needs: readonly boolean[],
): (Tensor | undefined)[] {
  const { x, members } = group;
  const { dh, dx } = way.backward(group, gradients, needs[0]!);
  const ontoX = members.flatMap(({ weight, bias }, i): WeightProduct[] => {
    const dy = gradients[i];
    if (dy === undefined) return [];
    const dweight = isTensor(weight) && weight.trainable ? gradientOf(weight) : undefined;
    const dbias = bias?.trainable ? gradientOf(bias) : undefined;
    return dweight || dbias ? [{ dy: matrix(dy), dweight, dbias }] : [];
  });
  const adapters = dh && backwardAdapters(group, dh, gradients, needs);
  multiplyToWeights(x.device, matrix(x), [...ontoX, ...(adapters?.ontoX ?? [])]);
  return [dx, ...(adapters?.inputGradients ?? [])];
}

interface AdapterGradients {
  /** Products for the A's that read x. */
  readonly ontoX: readonly WeightProduct[];
  /** Of the adapters' own inputs, in the order of the members. */
  readonly inputGradients: readonly (Tensor | undefined)[];
}

function backwardAdapters(
  { x, members, ranks }: LinearGroup,
  dh: Tensor,
  gradients: readonly (Tensor | undefined)[],
  needs: readonly boolean[],
): AdapterGradients {
  const { device } = x;
  const { h, columns, runs } = ranks!;
  members.forEach(({ adapter }, i) => {
    const dy = gradients[i];
    if (!adapter?.b.trainable || dy === undefined) return;
    const { begin, end } = columns[i]!;
    const product = { dy: matrix(dy), dweight: gradientOf(adapter.b), alpha: adapter.scale };
    multiplyToWeights(device, columnsOf(h, begin, end), [product]);
  });
  const ontoX: WeightProduct[] = [];
  const inputGradients: (Tensor | undefined)[] = [];
  for (const { a, gradient, input, begin, end } of runs) {
    const dy = columnsOf(dh, begin, end);
    const dweight = gradient();
    if (input === x) {
      if (dweight) ontoX.push({ dy, dweight });
      continue;
    }
    if (dweight) multiplyToWeights(device, matrix(input), [{ dy, dweight }]);
    const dinput = needs[1 + inputGradients.length] ? empty(device, input.shape, input.dtype) : undefined;
    if (dinput) multiplyToInput(device, matrix(dinput), [{ dy, weight: weightMatrix(a) }]);
    inputGradients.push(dinput);
  }
  return { ontoX, inputGradients };
}
