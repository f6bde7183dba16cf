/**
 * One product after another: only one compressed weight is in memory at a time. The adapter's part goes first: where
 * outputs are bf16, the sum is then rounded once, in the large product.
 */
import { scope } from "../../tensor/scope.ts";
import { empty, type Tensor } from "../../tensor/tensor.ts";
import { type LinearGroup, plainWeight, type Way, weightForInput } from "./group.ts";
import { multiplyByA, multiplyByB } from "./low-rank.ts";
import {
  columnsOf,
  type InputProduct,
  type Matrix,
  matrix,
  multiplyForward,
  multiplyToInput,
  weightMatrix,
} from "./products.ts";

export const oneByOne: Way = {
  forward(group, outputs) {
    const { members, ranks } = group;
    if (ranks) {
      multiplyByA(ranks);
      multiplyByB(ranks, members, outputs, false);
    }
    multiplyByWeights(group, outputs, true);
  },

  gradientOfX(group, gradients, dh) {
    const { x, members } = group;
    const dx = empty(x.device, x.shape, x.dtype);
    let start = addLowRank(group, dh, dx);
    members.forEach(({ weight }, i) => {
      const dy = gradients[i];
      if (dy === undefined) return;
      scope(() => {
        const product: InputProduct = { dy: matrix(dy), ...weightForInput(weight, x.device) };
        multiplyToInput(x.device, matrix(dx), [product], start);
      });
      start = matrix(dx);
    });
    return dx;
  },
};

/** outputs[i] = x·Wᵀ + bias, added to what is there where there is an adapter, if `ontoAdapters`. */
export function multiplyByWeights(
  { x, members }: LinearGroup,
  outputs: readonly Tensor[],
  ontoAdapters: boolean,
): void {
  members.forEach(({ weight, bias, adapter }, i) => {
    const y = matrix(outputs[i]!);
    scope(() => {
      const product = { weight: plainWeight(weight), y, bias, start: ontoAdapters && adapter ? y : undefined };
      multiplyForward(x.device, matrix(x), [product]);
    });
  });
}

/** dx = Σ dh·A over the adapters that read x; what dx then holds, or undefined where there is none. */
function addLowRank({ x, ranks }: LinearGroup, dh: Tensor | undefined, dx: Tensor): Matrix | undefined {
  let start: Matrix | undefined;
  for (const { a, input, begin, end } of ranks?.runs ?? []) {
    if (input !== x) continue;
    const product = { dy: columnsOf(dh!, begin, end), weight: weightMatrix(a) };
    multiplyToInput(x.device, matrix(dx), [product], start);
    start = matrix(dx);
  }
  return start;
}
