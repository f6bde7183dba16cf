/** Linear layers that share an input, as the ways of computing them see them. */
import { empty, lastAxis, type Shape, type Tensor } from "../../tensor/tensor.ts";
import type { LowRank, LowRankColumns } from "./low-rank.ts";
import { type Matrix, matrix, part, weightMatrix } from "./products.ts";

/** A frozen weight kept in a smaller form. */
export interface CompressedWeight {
  /** [out, in] */
  readonly shape: Shape;
  /** Makes it a tensor [out + spareRows, in] of the current scope; the spare rows come last, uninitialised. */
  readonly materialise: (spareRows?: number) => Tensor;
}

/** A frozen weight with room for its adapter's A in the rows below it: see `adapter-rows.ts`. */
export interface RoomyWeight {
  /** [out, in] */
  readonly shape: Shape;
  /** [out + room, in] */
  readonly held: Tensor;
}

export type Weight = Tensor | CompressedWeight | RoomyWeight;

export interface LinearMember {
  /** [out, in] */
  readonly weight: Weight;
  /** [out] */
  readonly bias?: Tensor | undefined;
  readonly adapter?: LowRank | undefined;
}

export interface LinearGroup {
  readonly x: Tensor;
  readonly members: readonly LinearMember[];
  /** Undefined where no member has an adapter. */
  readonly ranks: LowRankColumns | undefined;
}

/** How a group is computed. All ways give the same values up to rounding. */
export interface Way {
  /** Fills the outputs and h. */
  readonly forward: (group: LinearGroup, outputs: readonly Tensor[]) => void;
  /**
   * dx from the gradients of the outputs, undefined for those that none arrives at (one does), and of h = x·Aᵀ of all
   * adapters.
   */
  readonly gradientOfX: (
    group: LinearGroup,
    gradients: readonly (Tensor | undefined)[],
    dh: Tensor | undefined,
  ) => Tensor;
}

/** The weight itself as [out, in]; in the current scope where it has to be made. */
export function plainWeight(weight: Weight): Matrix {
  if ("materialise" in weight) return matrix(weight.materialise());
  if ("held" in weight) return part(matrix(weight.held), { rows: weight.shape[0]!, columns: weight.shape[1]! });
  return weightMatrix(weight);
}

export function isTensor(weight: Weight): weight is Tensor {
  return "storage" in weight;
}

export function emptyOutputs({ x, members }: Pick<LinearGroup, "x" | "members">, rows: number): Tensor[] {
  return members.map(({ weight }) => {
    if (weight.shape[1] !== lastAxis(x)) throw new Error(`linear: weight [${weight.shape}] on input [${x.shape}]`);
    return empty(x.device, [rows, weight.shape[0]!], x.dtype);
  });
}
