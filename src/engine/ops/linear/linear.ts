/**
 * y = x·Wᵀ + b, for several weights that share the input x (q, k and v; gate and up), each with an optional low-rank
 * adapter: y += scale · (x·Aᵀ)·Bᵀ (LoRA, Hu et al. 2021, arXiv 2106.09685). One op, so that x is read and packed once.
 *
 * Kernels; `precision` says how inputs of products are rounded, weights are f32 or bf16 (their dtype code is passed):
 *   linear_forward         (x [M, K], M, K, precision, n, n times: weight [N, K], dtype, N, bias [N] | null, y [M, N],
 *                           accumulate, alpha)      y = (accumulate ? y : 0) + alpha · x·Wᵀ + bias
 *   linear_backward_input  (dx [M, K], M, K, precision, accumulate, n, n times: dy [M, N], weight [N, K], dtype, N, alpha)
 *                           dx = (accumulate ? dx : 0) + Σ alpha · dy·W
 *   linear_backward_weight (x [M, K], M, K, precision, n, n times: dy [M, N], N, dweight [N, K] | null,
 *                           dbias [N] | null, alpha) dweight += alpha · dyᵀ·x,  dbias += Σ rows of dy
 */
import { dtypeCode, type KernelArgument, precisionCode } from "../../device/device.ts";
import { gradientOf, isRecording, record } from "../../tensor/tape.ts";
import { empty, lastAxis, rowCount, type Shape, type Tensor } from "../../tensor/tensor.ts";

/** A frozen weight kept in a smaller form; `materialise` makes it a tensor of the current scope. */
export interface CompressedWeight {
  readonly shape: Shape;
  readonly materialise: () => Tensor;
}

export interface LowRank {
  /** [r, in] */
  readonly a: Tensor;
  /** [out, r] */
  readonly b: Tensor;
  readonly scale: number;
  /** What A reads in place of x: x after dropout. */
  readonly input?: Tensor;
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
  const outputs = members.map(({ weight }) => empty(device, [m, weight.shape[0]!]));
  const lowRank = members.map(({ adapter }) => (adapter ? empty(device, [m, adapter.a.shape[0]!]) : undefined));
  const sharing: KernelArgument[][] = members.map((member, i) =>
    forwardMember(materialise(member.weight), outputs[i]!, member.bias),
  );
  members.forEach(({ adapter }, i) => {
    if (!adapter) return;
    if (adapter.input === undefined) sharing.push(forwardMember(adapter.a, lowRank[i]!));
    else launchForward(adapter.input, [forwardMember(adapter.a, lowRank[i]!)]);
  });
  launchForward(x, sharing);
  members.forEach(({ adapter }, i) => {
    if (adapter) launchForward(lowRank[i]!, [forwardMember(adapter.b, outputs[i]!, undefined, true, adapter.scale)]);
  });

  const inputs = linearInputs(x, members);
  if (isRecording(inputs)) {
    const saved = [x, ...inputs.slice(1), ...lowRank.filter((h) => h !== undefined)];
    record(outputs, inputs, saved, (gradients, needs) => backward(x, members, lowRank, gradients, needs));
  }
  return outputs;
}

/** @param x [..., in] @returns [rows of x, out] */
export function linear(x: Tensor, weight: Tensor | CompressedWeight, bias?: Tensor): Tensor {
  return linears(x, [{ weight, bias }])[0]!;
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
  lowRank: readonly (Tensor | undefined)[],
  gradients: readonly (Tensor | undefined)[],
  needs: readonly boolean[],
): (Tensor | undefined)[] {
  const intoX: KernelArgument[][] = [];
  const weightsOnX: KernelArgument[][] = [];
  const inputGradients: (Tensor | undefined)[] = [undefined];
  members.forEach(({ weight, bias, adapter }, i) => {
    const dy = gradients[i];
    if (dy === undefined) {
      if (adapter?.input) inputGradients.push(undefined);
      return;
    }
    if (needs[0]) intoX.push(backwardMember(dy, materialise(weight)));
    const dweight = isTensor(weight) && weight.trainable ? gradientOf(weight) : null;
    const dbias = bias?.trainable ? gradientOf(bias) : null;
    if (dweight || dbias) weightsOnX.push([dy, lastAxis(dy), dweight, dbias, 1]);
    if (!adapter) return;

    const h = lowRank[i]!; // [m, r]
    if (adapter.b.trainable) launchWeight(h, [[dy, lastAxis(dy), gradientOf(adapter.b), null, adapter.scale]]);
    const dh = empty(x.device, h.shape);
    launchInput(dh, [backwardMember(dy, adapter.b, adapter.scale)]);
    const ontoA: KernelArgument[][] = adapter.a.trainable ? [[dh, lastAxis(dh), gradientOf(adapter.a), null, 1]] : [];
    if (adapter.input === undefined) {
      if (needs[0]) intoX.push(backwardMember(dh, adapter.a));
      weightsOnX.push(...ontoA);
    } else {
      launchWeight(adapter.input, ontoA);
      const needed = needs[inputGradients.length];
      const dinput = needed ? empty(x.device, adapter.input.shape) : undefined;
      if (dinput) launchInput(dinput, [backwardMember(dh, adapter.a)]);
      inputGradients.push(dinput);
    }
  });
  if (intoX.length > 0) {
    inputGradients[0] = empty(x.device, x.shape);
    launchInput(inputGradients[0], intoX);
  }
  launchWeight(x, weightsOnX);
  return inputGradients;
}

function isTensor(weight: Tensor | CompressedWeight): weight is Tensor {
  return "storage" in weight;
}

function materialise(weight: Tensor | CompressedWeight): Tensor {
  return isTensor(weight) ? weight : weight.materialise();
}

function forwardMember(weight: Tensor, y: Tensor, bias?: Tensor, accumulate = false, alpha = 1): KernelArgument[] {
  return [weight, dtypeCode[weight.dtype], weight.shape[0]!, bias ?? null, y, accumulate ? 1 : 0, alpha];
}

function backwardMember(dy: Tensor, weight: Tensor, alpha = 1): KernelArgument[] {
  return [dy, weight, dtypeCode[weight.dtype], lastAxis(dy), alpha];
}

function launchForward(x: Tensor, members: readonly KernelArgument[][]): void {
  const { device } = x;
  const head = [x, rowCount(x), lastAxis(x), precisionCode[device.precision], members.length];
  device.launch("linear_forward", [...head, ...members.flat()]);
}

function launchInput(dx: Tensor, members: readonly KernelArgument[][]): void {
  const { device } = dx;
  const head = [dx, rowCount(dx), lastAxis(dx), precisionCode[device.precision], 0, members.length];
  device.launch("linear_backward_input", [...head, ...members.flat()]);
}

function launchWeight(x: Tensor, members: readonly KernelArgument[][]): void {
  if (members.length === 0) return;
  const { device } = x;
  const head = [x, rowCount(x), lastAxis(x), precisionCode[device.precision], members.length];
  device.launch("linear_backward_weight", [...head, ...members.flat()]);
}
