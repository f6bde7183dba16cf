/**
 * An adapter in rows below its weight, for a layer with many more inputs than outputs: with W⁺ = [W; A],
 *
 *   [y' | h] = x·W⁺ᵀ,  y = y' + scale · h·Bᵀ    and    dx = [dy | dh]·W⁺,  dh = scale · dy·B
 *
 * so that x and dx, the large matrices, are not read and written again for the adapter's sake.
 */
import { scope } from "../../tensor/scope.ts";
import { empty, lastAxis, rowCount } from "../../tensor/tensor.ts";
import type { LinearGroup, RoomyWeight, Way } from "./group.ts";
import { gradientOfH } from "./low-rank.ts";
import { columnsOf, copyMatrix, matrix, multiplyForward, multiplyToInput, part, weightMatrix } from "./products.ts";

/** Whether the group is one layer, whose adapter reads x itself and fits the room. */
export function fitsRows({ members: [only, ...others] }: LinearGroup): boolean {
  if (!only?.adapter || only.adapter.input || others.length > 0) return false;
  const { weight, adapter } = only;
  return "held" in weight && weight.room === "rows" && adapter.a.shape[0]! <= weight.held.shape[0]! - weight.shape[0]!;
}

export const adapterRows: Way = {
  forward({ x, members, ranks }, outputs) {
    const { device } = x;
    const { h } = ranks!;
    const { bias, adapter, weight } = members[0]!;
    const { held, shape } = weight as RoomyWeight;
    const [outputs1, rank, rows] = [shape[0]!, lastAxis(h), rowCount(x)];
    const below = part(matrix(held), { row: outputs1, rows: rank, columns: shape[1]! });
    copyMatrix(device, below, weightMatrix(adapter!.a));
    scope(() => {
      const extended = empty(device, [rows, outputs1 + rank], x.dtype);
      const both = part(matrix(held), { rows: outputs1 + rank, columns: shape[1]! });
      multiplyForward(device, matrix(x), [{ weight: both, y: matrix(extended) }]);
      copyMatrix(device, matrix(h), columnsOf(extended, outputs1, outputs1 + rank));
      const start = columnsOf(extended, 0, outputs1);
      const product = { weight: weightMatrix(adapter!.b), y: matrix(outputs[0]!), bias, start, alpha: adapter!.scale };
      multiplyForward(device, matrix(h), [product]);
    });
  },

  backward({ x, members, ranks }, gradients, needsX) {
    const { device } = x;
    const dh = gradientOfH(ranks!, members, gradients);
    const [dy] = gradients;
    if (!needsX || dy === undefined) return { dh, dx: undefined };
    const { held, shape } = members[0]!.weight as RoomyWeight;
    const [outputs, rank] = [shape[0]!, lastAxis(dh)];
    const dx = empty(device, x.shape, x.dtype);
    scope(() => {
      const extended = empty(device, [rowCount(dy), outputs + rank], x.dtype);
      copyMatrix(device, columnsOf(extended, 0, outputs), matrix(dy));
      copyMatrix(device, columnsOf(extended, outputs, outputs + rank), matrix(dh));
      const both = part(matrix(held), { rows: outputs + rank, columns: shape[1]! });
      multiplyToInput(device, matrix(dx), [{ dy: matrix(extended), weight: both }]);
    });
    return { dh, dx };
  },
};
