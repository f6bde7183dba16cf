/** The norm of all gradients together, and what to scale them by so that it stays within a limit. */
import { sumSquares } from "../ops/sum-squares/sum-squares.ts";
import { scope } from "../tensor/scope.ts";
import { type Tensor, toFloats, zeros } from "../tensor/tensor.ts";
import { joinedFlat, sideBySide } from "./side-by-side.ts";

export interface GradientNorm {
  /** L2 norm over all gradients; NaN or infinite if any of their values is, or if the sum overflows. */
  readonly norm: number;
  /** Parameters whose gradient's own norm is not finite. */
  readonly notFinite: readonly string[];
}

/** One read-back from the device, however many parameters there are; a second where the norm is not finite. */
export function globalNorm(parameters: ReadonlyMap<string, Tensor>): GradientNorm {
  const named = [...parameters].flatMap(([name, { gradient }]) => (gradient ? [[name, gradient] as const] : []));
  const total = squaresOf(sideBySide(named.map(([, gradient]) => gradient)).map(joinedFlat)).reduce(
    (sum, square) => sum + square,
    0,
  );
  const norm = Math.sqrt(total);
  if (Number.isFinite(norm)) return { norm, notFinite: [] };
  const squares = squaresOf(named.map(([, gradient]) => gradient));
  return { norm, notFinite: named.filter((_, i) => !Number.isFinite(squares[i])).map(([name]) => name) };
}

/** Σ x² of each tensor; one read-back. */
export function squaresOf(tensors: readonly Tensor[]): number[] {
  const [first] = tensors;
  if (first === undefined) return [];
  return scope(() => {
    const sums = zeros(first.device, [tensors.length]);
    tensors.forEach((tensor, slot) => {
      sumSquares(sums, slot, tensor);
    });
    return [...toFloats(sums)];
  });
}

/**
 * What gradients of this norm are multiplied by so that it is at most `maxNorm`; 1 where that is 0, which turns clipping
 * off. The optimizer takes it as part of its `gradientScale` (`torch.nn.utils.clip_grad_norm_`'s formula).
 */
export function clipCoefficient(norm: number, maxNorm: number): number {
  return maxNorm === 0 ? 1 : Math.min(1, maxNorm / (norm + 1e-6));
}
