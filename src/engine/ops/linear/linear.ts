/**
 * y = x·Wᵀ + b, for several weights that share the input x (q, k and v; gate and up), each with an optional low-rank
 * adapter: y += scale · (x·Aᵀ)·Bᵀ (LoRA, Hu et al. 2021, arXiv 2106.09685). One op, so that x is read once for all A's,
 * and on devices that batch products for the weights too.
 *
 * Kernels; `precision` says how inputs of products are rounded, weights are f32 or bf16 (their dtype code is passed),
 * ld is the distance from one row to the next (`products.ts` builds the arguments):
 *   linear_forward         (x [M, K], M, K, ldx, precision, n, n times: weight [N, K], dtype, N, bias [N] | null,
 *                           y [M, N], ldy, accumulate, alpha)     y = (accumulate ? y : 0) + alpha · x·Wᵀ + bias
 *   linear_backward_input  (dx [M, K], M, K, lddx, precision, accumulate, n, n times: dy [M, N], lddy, weight [N, K],
 *                           dtype, N, alpha)                      dx = (accumulate ? dx : 0) + Σ alpha · dy·W
 *   linear_backward_weight (x [M, K], M, K, ldx, precision, n, n times: dy [M, N], lddy, N, dweight [N, K] | null,
 *                           dbias [N] | null, alpha)              dweight += alpha · dyᵀ·x,  dbias += Σ rows of dy
 */
import { scope } from "../../tensor/scope.ts";
import { gradientOf, isRecording, record } from "../../tensor/tape.ts";
import { empty, lastAxis, rowCount, type Shape, type Tensor } from "../../tensor/tensor.ts";
import { type LowRank, type LowRankColumns, lowRankColumns, multiplyByA } from "./low-rank.ts";
import {
  columnsOf,
  type ForwardProduct,
  type InputProduct,
  matrix,
  multiplyForward,
  multiplyToInput,
  multiplyToWeights,
  type WeightProduct,
} from "./products.ts";

/** A frozen weight kept in a smaller form; `materialise` makes it a tensor of the current scope. */
export interface CompressedWeight {
  readonly shape: Shape;
  readonly materialise: () => Tensor;
}

export interface LinearMember {
  /** [out, in] */
  readonly weight: Tensor | CompressedWeight;
  /** [out] */
  readonly bias?: Tensor | undefined;
  readonly adapter?: LowRank | undefined;
}

/** @param x [..., in] @returns one [rows of x, out] per member */
export function linears(x: Tensor, members: readonly LinearMember[]): Tensor[] {
  const m = rowCount(x);
  const { device } = x;
  for (const { weight } of members) {
    if (weight.shape[1] !== lastAxis(x)) throw new Error(`linear: weight [${weight.shape}] on input [${x.shape}]`);
  }
  const outputs = members.map(({ weight }) => empty(device, [m, weight.shape[0]!], x.dtype));
  const ranks = lowRankColumns(x, members);
  if (device.batchesProducts) forwardTogether(x, members, outputs, ranks);
  else forwardOneByOne(x, members, outputs, ranks);

  const inputs = linearInputs(x, members);
  if (isRecording(inputs)) {
    const saved = [x, ...inputs.slice(1), ...(ranks ? [ranks.h] : [])];
    record(outputs, inputs, saved, (gradients, needs) => backward(x, members, ranks, gradients, needs));
  }
  return outputs;
}

/** @param x [..., in] @returns [rows of x, out] */
export function linear(x: Tensor, weight: Tensor | CompressedWeight, bias?: Tensor): Tensor {
  return linears(x, [{ weight, bias }])[0]!;
}

/** Weights and A's in one launch, so that x is packed once for all. */
function forwardTogether(
  x: Tensor,
  members: readonly LinearMember[],
  outputs: readonly Tensor[],
  ranks: LowRankColumns | undefined,
): void {
  const sharing: ForwardProduct[] = members.map(({ weight, bias }, i) => ({
    weight: materialise(weight),
    y: matrix(outputs[i]!),
    bias,
  }));
  for (const { a, input, begin, end } of ranks?.runs ?? []) {
    const product = { weight: a, y: columnsOf(ranks!.h, begin, end) };
    if (input === x) sharing.push(product);
    else multiplyForward(x.device, matrix(input), [product]);
  }
  multiplyForward(x.device, matrix(x), sharing);
  if (ranks) multiplyByB(members, outputs, ranks, true);
}

/** The adapter's part first: where outputs are bf16, their sum is then rounded once, in the large product. */
function forwardOneByOne(
  x: Tensor,
  members: readonly LinearMember[],
  outputs: readonly Tensor[],
  ranks: LowRankColumns | undefined,
): void {
  if (ranks) {
    multiplyByA(ranks);
    multiplyByB(members, outputs, ranks, false);
  }
  members.forEach(({ weight, bias, adapter }, i) => {
    scope(() => {
      const product = { weight: materialise(weight), y: matrix(outputs[i]!), bias, accumulate: adapter !== undefined };
      multiplyForward(x.device, matrix(x), [product]);
    });
  });
}

function multiplyByB(
  members: readonly LinearMember[],
  outputs: readonly Tensor[],
  { h, columns }: LowRankColumns,
  accumulate: boolean,
): void {
  members.forEach(({ adapter }, i) => {
    if (!adapter) return;
    const { begin, end } = columns[i]!;
    const product = { weight: adapter.b, y: matrix(outputs[i]!), accumulate, alpha: adapter.scale };
    multiplyForward(h.device, columnsOf(h, begin, end), [product]);
  });
}

/** x first, then whatever else could need a gradient: dropped-out adapter inputs and parameters. */
function linearInputs(x: Tensor, members: readonly LinearMember[]): Tensor[] {
  const dropped = members.flatMap(({ adapter }) => (adapter?.input ? [adapter.input] : []));
  const parameters = members.flatMap(({ weight, bias, adapter }) => [
    ...(isTensor(weight) ? [weight] : []),
    ...(bias ? [bias] : []),
    ...(adapter ? [adapter.a, adapter.b] : []),
  ]);
  return [x, ...dropped, ...parameters];
}

function backward(
  x: Tensor,
  members: readonly LinearMember[],
  ranks: LowRankColumns | undefined,
  gradients: readonly (Tensor | undefined)[],
  needs: readonly boolean[],
): (Tensor | undefined)[] {
  const { device } = x;
  const ontoWeights: WeightProduct[] = [];
  members.forEach(({ weight, bias }, i) => {
    const dy = gradients[i];
    if (dy === undefined) return;
    const dweight = isTensor(weight) && weight.trainable ? gradientOf(weight) : undefined;
    const dbias = bias?.trainable ? gradientOf(bias) : undefined;
    if (dweight || dbias) ontoWeights.push({ dy: matrix(dy), dweight, dbias });
  });
  const lowRank = ranks && backwardLowRank(x, members, ranks, gradients, needs);
  multiplyToWeights(device, matrix(x), [...ontoWeights, ...(lowRank?.ontoA ?? [])]);
  const dx = needs[0] && gradients.some((dy) => dy !== undefined) ? empty(device, x.shape, x.dtype) : undefined;
  if (dx) intoInput(dx, members, lowRank?.intoX ?? [], gradients);
  return [dx, ...(lowRank?.inputGradients ?? [])];
}

/** dx from the adapters first, as in the forward pass, then from each weight. */
function intoInput(
  dx: Tensor,
  members: readonly LinearMember[],
  lowRank: readonly InputProduct[],
  gradients: readonly (Tensor | undefined)[],
): void {
  const { device } = dx;
  const into = matrix(dx);
  const frozen = members.flatMap(({ weight }, i) => {
    const dy = gradients[i];
    return dy === undefined ? [] : [(): InputProduct => ({ dy: matrix(dy), weight: materialise(weight) })];
  });
  if (device.batchesProducts) {
    multiplyToInput(device, into, [...frozen.map((product) => product()), ...lowRank]);
    return;
  }
  const products = [...lowRank.map((product) => () => product), ...frozen];
  products.forEach((product, i) => {
    scope(() => multiplyToInput(device, into, [product()], i > 0));
  });
}

interface LowRankBackward {
  readonly intoX: readonly InputProduct[];
  readonly ontoA: readonly WeightProduct[];
  /** Of the adapters' own inputs, in the order of the members. */
  readonly inputGradients: readonly (Tensor | undefined)[];
}

function backwardLowRank(
  x: Tensor,
  members: readonly LinearMember[],
  { h, columns, runs }: LowRankColumns,
  gradients: readonly (Tensor | undefined)[],
  needs: readonly boolean[],
): LowRankBackward {
  const { device } = x;
  const dh = empty(device, h.shape, h.dtype); // [m, R]
  if (members.some(({ adapter }, i) => adapter && gradients[i] === undefined)) device.zero(dh);
  members.forEach(({ adapter }, i) => {
    const dy = gradients[i];
    if (!adapter || dy === undefined) return;
    const { begin, end } = columns[i]!;
    const { b, scale: alpha } = adapter;
    const product = { dy: matrix(dy), dweight: b.trainable ? gradientOf(b) : undefined, alpha };
    if (b.trainable) multiplyToWeights(device, columnsOf(h, begin, end), [product]);
    multiplyToInput(device, columnsOf(dh, begin, end), [{ dy: matrix(dy), weight: b, alpha }]);
  });
  const intoX: InputProduct[] = [];
  const ontoA: WeightProduct[] = [];
  const inputGradients: (Tensor | undefined)[] = [];
  for (const { a, gradient, input, begin, end } of runs) {
    const dy = columnsOf(dh, begin, end);
    const dweight = gradient();
    if (input === x) {
      intoX.push({ dy, weight: a });
      if (dweight) ontoA.push({ dy, dweight });
      continue;
    }
    if (dweight) multiplyToWeights(device, matrix(input), [{ dy, dweight }]);
    const dinput = needs[1 + inputGradients.length] ? empty(device, input.shape, input.dtype) : undefined;
    if (dinput) multiplyToInput(device, matrix(dinput), [{ dy, weight: a }]);
    inputGradients.push(dinput);
  }
  return { intoX, ontoA, inputGradients };
}

function isTensor(weight: Tensor | CompressedWeight): weight is Tensor {
  return "storage" in weight;
}

function materialise(weight: Tensor | CompressedWeight): Tensor {
  return isTensor(weight) ? weight : weight.materialise();
}
