/**
 * The most probable next tokens under a linear head, for choosing one: z = hidden · Wᵀ, squeezed by the soft cap, of which
 * only the largest leave the device. No gradient.
 *
 *   ids, logits    the TOP largest z of tokens that the row's mask allows, by falling z, equals by rising id;
 *                  -1 and -infinity where there are fewer
 *   statistics     logsumexp of all z; and the sum over allowed tokens of exp((z - largest allowed z) / temperature)
 *
 * Kernel: top_tokens (ids i32 [rows, TOP], top f32 [rows, TOP], statistics f32 [rows, 2], logits f32 [part, vocabulary]
 *   (overwritten), begin, part, vocabulary, inverseTemperature f32 [rows], masks i32 [masks, words] | null, words,
 *   maskOf i32 [rows] | null, softcap or 0)
 * The logits are those of rows begin..begin+part-1. A mask has bit id % 32 of word id / 32 set for each token it allows;
 * maskOf is -1 where all are.
 */
import { empty, rowCount, type Tensor } from "../../tensor/tensor.ts";
import { forEachLogitChunk } from "../cross-entropy/logit-chunks.ts";

/** Tokens that are told of each row; the kernels have it too. */
export const TOP = 64;

export interface TopTokens {
  /** i32 [rows, TOP] */
  readonly ids: Tensor;
  /** f32 [rows, TOP] */
  readonly logits: Tensor;
  /** f32 [rows, 2] */
  readonly statistics: Tensor;
}

export interface TopTokensOptions {
  /** i32 [masks, ceil(vocabulary / 32)], and for each row which it has or -1: i32 [rows]. */
  readonly masks?: { readonly masks: Tensor; readonly of: Tensor } | undefined;
  /** Logits are squeezed into ±softcap; 0 or left out: not. */
  readonly softcap?: number | undefined;
  /** Rows whose logits exist at once; by default what suits the device (see cross-entropy/logit-chunks). */
  readonly chunkRows?: number;
}

/**
 * @param hidden [rows, width]
 * @param weight [vocabulary, width], f32 or bf16
 * @param inverseTemperature f32 [rows]
 */
export function topTokens(
  hidden: Tensor,
  weight: Tensor,
  inverseTemperature: Tensor,
  { masks, softcap = 0, chunkRows }: TopTokensOptions = {},
): TopTokens {
  const { device } = hidden;
  const rows = rowCount(hidden);
  const ids = empty(device, [rows, TOP], "i32");
  const top = empty(device, [rows, TOP]);
  const statistics = empty(device, [rows, 2]);
  forEachLogitChunk(hidden, weight, chunkRows, ({ begin, end, logits }) => {
    const vocabulary = logits.shape[1]!;
    const mask = [masks?.masks ?? null, masks?.masks.shape[1] ?? 0, masks?.of ?? null];
    const part = [logits, begin, end - begin, vocabulary, inverseTemperature];
    device.launch("top_tokens", [ids, top, statistics, ...part, ...mask, softcap]);
  });
  return { ids, logits: top, statistics };
}
