/**
 * The projection on the vocabulary, a few rows at a time: with 150 000 tokens the logits of one row take 600 kB, those
 * of a whole pack would be the largest tensor of the step.
 */
import type { DeviceName } from "../../device/device.ts";
import { scope } from "../../tensor/scope.ts";
import { empty, expectShape, lastAxis, rowCount, rows, type Tensor } from "../../tensor/tensor.ts";
import { matrix, multiplyForward, weightMatrix } from "../linear/products.ts";

/** Bytes of logits held at once, unless the fewest rows take more: the faster the products, the more rows they want. */
const budget: Readonly<Record<DeviceName, number>> = {
  reference: 16 * 2 ** 20,
  cpu: 16 * 2 ** 20,
  cuda: 768 * 2 ** 20,
};

/** Each chunk reads the whole weight again: that many rows make the product worth it. */
const fewestRows = 256;

/** Products come in tiles of up to so many rows. */
const tileRows = 128;

export interface LogitChunk {
  /** Rows begin..end-1 of `hidden`. */
  readonly begin: number;
  readonly end: number;
  readonly hidden: Tensor;
  /** f32 [end - begin, vocabulary]; the next chunk reuses its memory. */
  readonly logits: Tensor;
}

/**
 * Calls `visit` with hidden · weightᵀ, chunk by chunk, in order; what `visit` makes is freed after it.
 * @param hidden [rows, width]
 * @param weight [vocabulary, width], f32 or bf16
 * @param chunkRows rows a chunk; by default what fits the device's budget, but at least 256
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
  const step = Math.min(count, chunkRows ?? defaultRows(device.name, vocabulary));
  scope(() => {
    const memory = empty(device, [step, vocabulary]);
    for (let begin = 0; begin < count; begin += step) {
      const end = Math.min(count, begin + step);
      const part = rows(hidden, begin, end);
      const logits = rows(memory, 0, end - begin);
      multiplyForward(device, matrix(part), [{ weight: weightMatrix(weight), y: matrix(logits) }]);
      scope(() => visit({ begin, end, hidden: part, logits }));
    }
  });
}

function defaultRows(device: DeviceName, vocabulary: number): number {
  const fitting = Math.floor(budget[device] / (4 * vocabulary));
  return Math.max(fewestRows, fitting - (fitting % tileRows));
}
