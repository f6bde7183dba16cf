/**
 * An adapter in rows below its weight, for a layer with many more inputs than outputs: with W⁺ = [W; A],
 *
 *   [y' | h] = x·W⁺ᵀ,  y = y' + scale · h·Bᵀ    and    dx = [dy | dh]·W⁺,  dh = scale · dy·B
 *
 * so that x and dx, the large matrices, are not read and written again for the adapter's sake. (Columns beside W for B
 * would do the same for layers with many outputs; measured, the odd width cost the large product what they saved.)
 */
import { scope } from "../../tensor/scope.ts";
import { empty, lastAxis, rowCount } from "../../tensor/tensor.ts";
import { transposeInto } from "../transpose/transpose.ts";
import type { CompressedWeight, LinearGroup, LinearMember, Way } from "./group.ts";
import {
  columnsOf,
  copyMatrix,
  type InputProduct,
  type Matrix,
  matrix,
  multiplyForward,
  multiplyToInput,
  part,
  weightMatrix,
} from "./products.ts";

/** From this many times as many inputs as outputs on, the room pays. */
const INPUTS_PER_OUTPUT = 2;

/** Whether a layer of this shape [out, in] should have room for its adapter, on devices that run one product at a time. */
export function wantsRoom([outputs, inputs]: readonly [number, number]): boolean {
  return inputs >= INPUTS_PER_OUTPUT * outputs;
}

/** Whether the group is one layer whose adapter reads x itself and whose weight has, or can be made with, the room. */
export function fitsRows({ x, members: [only, ...others] }: LinearGroup): boolean {
  if (!only?.adapter || only.adapter.input || others.length > 0) return false;
  const { weight, adapter } = only;
  if ("held" in weight) return adapter.a.shape[0]! <= weight.held.shape[0]! - weight.shape[0]!;
  return "materialise" in weight && !x.device.batchesProducts && wantsRoom(weight.shape as [number, number]);
}

export const adapterRows: Way = {
  forward({ x, members, ranks }, [y]) {
    const { device } = x;
    const { h } = ranks!;
    const { bias, adapter } = members[0]!;
    const [outputs, rank] = [lastAxis(y!), lastAxis(h)];
    scope(() => {
      const extended = empty(device, [rowCount(x), outputs + rank], x.dtype);
      multiplyForward(device, matrix(x), [{ weight: weightOverA(members[0]!), y: matrix(extended) }]);
      copyMatrix(device, matrix(h), columnsOf(extended, outputs, outputs + rank));
      const start = columnsOf(extended, 0, outputs);
      const product = { weight: weightMatrix(adapter!.b), y: matrix(y!), bias, start, alpha: adapter!.scale };
      multiplyForward(device, matrix(h), [product]);
    });
  },

  gradientOfX({ x, members }, [dy], dh) {
    const { device } = x;
    const [outputs, rank] = [lastAxis(dy!), lastAxis(dh!)];
    const dx = empty(device, x.shape, x.dtype);
    scope(() => {
      const extended = empty(device, [rowCount(dy!), outputs + rank], x.dtype);
      copyMatrix(device, columnsOf(extended, 0, outputs), matrix(dy!));
      copyMatrix(device, columnsOf(extended, outputs, outputs + rank), matrix(dh!));
      multiplyToInput(device, matrix(dx), [{ dy: matrix(extended), ...weightAndA(members[0]!) }]);
    });
    return dx;
  },
};

/** W⁺, with A as it is now. */
function weightOverA({ weight, adapter }: LinearMember): Matrix {
  const a = weightMatrix(adapter!.a);
  const [outputs, inputs] = weight.shape as [number, number];
  const held = "held" in weight ? weight.held : (weight as CompressedWeight).materialise(a.rows);
  copyMatrix(held.device, part(matrix(held), { row: outputs, rows: a.rows, columns: inputs }), a);
  return part(matrix(held), { rows: outputs + a.rows, columns: inputs });
}

/** W⁺ for the product with [dy | dh]: transposed where it is kept so, or made anyway. */
function weightAndA(member: LinearMember): Pick<InputProduct, "weight" | "transposed"> {
  const { weight, adapter } = member;
  const a = weightMatrix(adapter!.a);
  const [outputs, inputs] = weight.shape as [number, number];
  const transposed =
    "held" in weight ? weight.transposed : (weight as CompressedWeight).materialiseTransposed?.(a.rows);
  if (transposed === undefined) return { weight: weightOverA(member) };
  transposeInto(transposed.device, columnsOf(transposed, outputs, outputs + a.rows), a);
  return { weight: part(matrix(transposed), { rows: inputs, columns: outputs + a.rows }), transposed: true };
}
