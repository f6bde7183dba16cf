/**
 * The projection on the vocabulary, a few rows at a time: with 150 000 tokens the logits of one row take 600 kB, those
 * of a whole pack would be the largest tensor of the step.
 */
import { scope } from "../../tensor/scope.ts";
import { empty, expectShape, lastAxis, rowCount, rows, type Tensor } from "../../tensor/tensor.ts";
import { matrix, multiplyForward } from "../linear/products.ts";

/** Bytes of logits held at once, unless the fewest rows take more. */
const budget = 16 * 2 ** 20;

/** Each chunk reads the whole weight again: that many rows make the product worth it. */
const fewestRows = 256;

export interface LogitChunk {
  /** Rows begin..end-1 of `hidden`. */
  readonly begin: number;
  readonly end: number;
  readonly hidden: Tensor;
  /** [end - begin, vocabulary]; the next chunk reuses its memory. */
  readonly logits: Tensor;
}

/**
 * Calls `visit` with hidden · weightᵀ, chunk by chunk, in order.
 * @param hidden [rows, width]
 * @param weight [vocabulary, width], f32 or bf16
 * @param chunkRows rows a chunk; by default what fits 16 MiB, but at least 256
 */
export function forEachLogitChunk(
  hidden: Tensor,
  weight: Tensor,
  chunkRows: number | undefined,
  visit: (chunk: LogitChunk) => void,
): void {
  const { device } = hidden;
  const count = rowCount(hidden);
  const width = lastAxis(hidden);
  const vocabulary = weight.shape[0]!;
  expectShape("head weight", weight, [vocabulary, width]);
  const step = Math.min(count, chunkRows ?? Math.max(fewestRows, Math.floor(budget / (4 * vocabulary))));
  scope(() => {
    const memory = empty(device, [step, vocabulary]);
    for (let begin = 0; begin < count; begin += step) {
      const end = Math.min(count, begin + step);
      const part = rows(hidden, begin, end);
      const logits = rows(memory, 0, end - begin);
      multiplyForward(device, matrix(part), [{ weight, y: matrix(logits) }]);
      visit({ begin, end, hidden: part, logits });
    }
  });
}
