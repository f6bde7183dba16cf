/**
 * One product after another: only one compressed weight is in memory at a time. The adapter's part goes first: where
 * outputs are bf16, the sum is then rounded once, in the large product.
 */
import { scope } from "../../tensor/scope.ts";
import { empty, type Tensor } from "../../tensor/tensor.ts";
import { type LinearGroup, plainWeight, type Way } from "./group.ts";
import { gradientOfH, multiplyByA, multiplyByB } from "./low-rank.ts";
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
  forward({ x, members, ranks }, outputs) {
    if (ranks) {
      multiplyByA(ranks);
      multiplyByB(ranks, members, outputs, false);
    }
    members.forEach(({ weight, bias, adapter }, i) => {
      const y = matrix(outputs[i]!);
      scope(() => {
        const product = { weight: plainWeight(weight), y, bias, start: adapter ? y : undefined };
        multiplyForward(x.device, matrix(x), [product]);
      });
    });
  },

  backward(group, gradients, needsX) {
    const dh = group.ranks && gradientOfH(group.ranks, group.members, gradients);
    return { dh, dx: needsX ? gradientOfX(group, gradients, dh) : undefined };
  },
};

function gradientOfX(group: LinearGroup, gradients: readonly (Tensor | undefined)[], dh: Tensor | undefined): Tensor {
  const { x, members } = group;
  const dx = empty(x.device, x.shape, x.dtype);
  let start = addLowRank(group, dh, dx, undefined);
  members.forEach(({ weight }, i) => {
    const dy = gradients[i];
    if (dy === undefined) return;
    scope(() => {
      const product: InputProduct = { dy: matrix(dy), weight: plainWeight(weight) };
      multiplyToInput(x.device, matrix(dx), [product], start);
    });
    start = matrix(dx);
  });
  return dx;
}

/** dx = start + Σ dh·A over the adapters that read x; what dx then holds, or `start` where there is none. */
export function addLowRank(
  { x, ranks }: LinearGroup,
  dh: Tensor | undefined,
  dx: Tensor,
  start: Matrix | undefined,
): Matrix | undefined {
  let from = start;
  for (const { a, input, begin, end } of ranks?.runs ?? []) {
    if (input !== x) continue;
    const product = { dy: columnsOf(dh!, begin, end), weight: weightMatrix(a) };
    multiplyToInput(x.device, matrix(dx), [product], from);
    from = matrix(dx);
  }
  return from;
}
