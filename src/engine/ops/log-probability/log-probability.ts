/**
 * Log-probabilities of chosen tokens under a linear head, for scoring labels: out[e] = z[token[e]] - logsumexp(z) with
 * z = hidden[row[e]] · Wᵀ. No gradient.
 *
 * Kernel: log_probability (out [entries], logits f32 [rows, vocabulary] (overwritten), begin, rows, vocabulary, row i32
 *   [entries] ascending, token i32 [entries], entries, softcap or 0)
 * The logits are those of rows begin..begin+rows-1; entries of other rows are left alone.
 */
import { empty, expectShape, type Tensor } from "../../tensor/tensor.ts";
import { forEachLogitChunk } from "../cross-entropy/logit-chunks.ts";

export interface TokenLogProbabilitiesOptions {
  /** Logits are squeezed into ±softcap; 0 or left out: not. */
  readonly softcap?: number | undefined;
  /** Rows whose logits exist at once; by default what suits the device (see cross-entropy/logit-chunks). */
  readonly chunkRows?: number;
}

/**
 * @param hidden [rows, width]
 * @param weight [vocabulary, width], f32 or bf16
 * @param row i32 [entries], ascending, each below `rows` (not checked)
 * @param token i32 [entries], each below the vocabulary's size (not checked)
 * @returns [entries]
 */
export function tokenLogProbabilities(
  hidden: Tensor,
  weight: Tensor,
  row: Tensor,
  token: Tensor,
  { softcap = 0, chunkRows }: TokenLogProbabilitiesOptions = {},
): Tensor {
  const { device } = hidden;
  const entries = row.length;
  expectShape("log-probability token", token, [entries]);
  const out = empty(device, [entries]);
  forEachLogitChunk(hidden, weight, chunkRows, ({ begin, end, logits }) => {
    const vocabulary = logits.shape[1]!;
    device.launch("log_probability", [out, logits, begin, end - begin, vocabulary, row, token, entries, softcap]);
  });
  return out;
}
