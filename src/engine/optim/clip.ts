/** The norm of all gradients together, and what to scale them by so that it stays within a limit. */
import { sumSquares } from "../ops/sum-squares/sum-squares.ts";
import { scope } from "../tensor/scope.ts";
import { type Tensor, toFloats, zeros } from "../tensor/tensor.ts";

export interface GradientNorm {
  /** L2 norm over all gradients; NaN or infinite if any of their values is, or if the sum overflows. */
  readonly norm: number;
  /** Parameters whose gradient's own norm is not finite. */
  readonly notFinite: readonly string[];
}

/** One read-back from the device, however many parameters there are. */
export function globalNorm(parameters: ReadonlyMap<string, Tensor>): GradientNorm {
  const named = [...parameters].filter(([, { gradient }]) => gradient !== undefined);
  const first = named[0];
  if (first === undefined) return { norm: 0, notFinite: [] };
  const squares = scope(() => {
    const sums = zeros(first[1].device, [named.length]);
    named.forEach(([, { gradient }], slot) => {
      sumSquares(sums, slot, gradient!);
    });
    return { values: toFloats(sums) };
  }).values;
  let total = 0;
  for (const square of squares) total += square;
  const notFinite = named.filter((_, slot) => !Number.isFinite(squares[slot])).map(([name]) => name);
  return { norm: Math.sqrt(total), notFinite };
}

/**
 * What gradients of this norm are multiplied by so that it is at most `maxNorm`; 1 where that is 0, which turns clipping
 * off. The optimizer takes it as part of its `gradientScale` (`torch.nn.utils.clip_grad_norm_`'s formula).
 */
export function clipCoefficient(norm: number, maxNorm: number): number {
  return maxNorm === 0 ? 1 : Math.min(1, maxNorm / (norm + 1e-6));
}
