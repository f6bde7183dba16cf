/** Linear layers that share an input, as the ways of computing them see them. */
import type { Device } from "../../device/device.ts";
import { empty, lastAxis, type Shape, type Tensor } from "../../tensor/tensor.ts";
import type { LowRank, LowRankColumns } from "./low-rank.ts";
import { type InputProduct, type Matrix, matrix, part, weightMatrix } from "./products.ts";

/** A frozen weight kept in a smaller form. */
export interface CompressedWeight {
  /** [out, in] */
  readonly shape: Shape;
  /** Makes it a tensor [out + room, in] of the current scope; the room comes last, uninitialised. */
  readonly materialise: (room?: number) => Tensor;
  /** The same transposed, [in, out + room], where it can be made so. */
  readonly materialiseTransposed?: (room?: number) => Tensor;
}

/** A frozen weight in the form in which products read it fastest. */
export interface FrozenWeight {
  /** [out, in] */
  readonly shape: Shape;
  /** [out + room, in]: the room is for its adapter's A, see `adapter-rows.ts`. */
  readonly held: Tensor;
  /** [in, out + room], the same once more for products with dy, which read it faster so. */
  readonly transposed?: Tensor | undefined;
}

export type Weight = Tensor | CompressedWeight | FrozenWeight;

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

/** The weight for products with dy: transposed where that is at hand, and where one at a time is made anyway. */
export function weightForInput(weight: Weight, { batchesProducts }: Device): Omit<InputProduct, "dy" | "alpha"> {
  const [rows, columns] = [weight.shape[1]!, weight.shape[0]!];
  if ("materialise" in weight && weight.materialiseTransposed && !batchesProducts) {
    return { weight: matrix(weight.materialiseTransposed()), transposed: true };
  }
  if ("held" in weight && weight.transposed) {
    return { weight: part(matrix(weight.transposed), { rows, columns }), transposed: true };
  }
  return { weight: plainWeight(weight) };
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
