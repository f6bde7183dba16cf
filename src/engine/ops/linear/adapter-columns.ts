/**
 * Adapters in columns beside their weights, for layers with many more outputs than inputs: with W⁺ = [W | scale · B],
 *
 *   y = [x | h]·W⁺ᵀ    and    [dx' | dh] = dy·W⁺,  dx = dx' + dh·A
 *
 * so that y and dy, the large matrices, are not read and written again for the adapter's sake. Members of a group share
 * h; the columns of a member's room that belong to others are zeros.
 */
import { scope } from "../../tensor/scope.ts";
import { empty, lastAxis, rowCount, type Tensor } from "../../tensor/tensor.ts";
import type { LinearGroup, RoomyWeight, Way } from "./group.ts";
import { gradientOfH, multiplyByA } from "./low-rank.ts";
import { addLowRank } from "./one-by-one.ts";
import {
  columnsOf,
  copyMatrix,
  type Matrix,
  matrix,
  multiplyForward,
  multiplyToInput,
  part,
  weightMatrix,
} from "./products.ts";

/** Whether every member has its adapter and enough room for it. */
export function fitsColumns({ members, ranks }: LinearGroup): boolean {
  return members.every(({ weight, adapter }, i) => {
    if (!adapter || !("held" in weight) || weight.room !== "columns") return false;
    return ranks!.columns[i]!.end <= lastAxis(weight.held) - weight.shape[1]!;
  });
}

export const adapterColumns: Way = {
  forward(group, outputs) {
    const { x, members, ranks } = group;
    const { device } = x;
    const { h } = ranks!;
    const width = lastAxis(x);
    multiplyByA(ranks!);
    scope(() => {
      const extended = empty(device, [rowCount(x), width + lastAxis(h)], x.dtype);
      copyMatrix(device, columnsOf(extended, 0, width), matrix(x));
      copyMatrix(device, columnsOf(extended, width, width + lastAxis(h)), matrix(h));
      members.forEach(({ bias, adapter }, i) => {
        const { begin, end } = ranks!.columns[i]!;
        const { held } = roomy(group, i);
        const room = columnsOf(held, width + begin, width + end);
        copyMatrix(device, room, weightMatrix(adapter!.b), adapter!.scale);
        const product = { weight: columnsOf(held, 0, width + end), y: matrix(outputs[i]!), bias };
        multiplyForward(device, columnsOf(extended, 0, width + end), [product]);
      });
    });
  },

  backward(group, gradients, needsX) {
    const { x, members, ranks } = group;
    if (!needsX || gradients.some((dy) => dy === undefined)) {
      const dh = gradientOfH(ranks!, members, gradients);
      return { dh, dx: needsX ? backwardOfSome(group, gradients, dh) : undefined };
    }
    const { device } = x;
    const width = lastAxis(x);
    const { h, columns } = ranks!;
    const dx = empty(device, x.shape, x.dtype);
    const dh = empty(device, h.shape, h.dtype);
    scope(() => {
      const extended = empty(device, [rowCount(x), width + lastAxis(h)], x.dtype);
      // The last member's columns reach furthest: it comes first, and sets all that the others add to.
      let start: Matrix | undefined;
      for (let i = members.length - 1; i >= 0; i--) {
        const { end } = columns[i]!;
        const into = columnsOf(extended, 0, width + end);
        const product = { dy: matrix(gradients[i]!), weight: columnsOf(roomy(group, i).held, 0, width + end) };
        multiplyToInput(device, into, [product], start && into);
        start = into;
      }
      copyMatrix(device, matrix(dh), columnsOf(extended, width, width + lastAxis(h)));
      const partial = columnsOf(extended, 0, width);
      if (addLowRank(group, dh, dx, partial) === partial) copyMatrix(device, matrix(dx), partial);
    });
    return { dh, dx };
  },
};

/** Where only some outputs have a gradient, or dh is known already. */
function backwardOfSome(group: LinearGroup, gradients: readonly (Tensor | undefined)[], dh: Tensor): Tensor {
  const { x, members } = group;
  const dx = empty(x.device, x.shape, x.dtype);
  let start = addLowRank(group, dh, dx, undefined);
  members.forEach((_, i) => {
    const dy = gradients[i];
    if (dy === undefined) return;
    const { held, shape } = roomy(group, i);
    const weight = part(matrix(held), { rows: shape[0]!, columns: shape[1]! });
    multiplyToInput(x.device, matrix(dx), [{ dy: matrix(dy), weight }], start);
    start = matrix(dx);
  });
  return dx;
}

function roomy({ members }: LinearGroup, i: number): RoomyWeight {
  return members[i]!.weight as RoomyWeight;
}
