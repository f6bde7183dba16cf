import type { DecoderConfig } from "../../../model/families/decoder-config.ts";

/** Activations of one pack aim at this many bytes. */
const ACTIVATION_BYTES = 2 ** 29;

/**
 * Tokens of a pack where the CPU computes: as many as keep activations near 512 MiB. It depends on the model alone, as
 * the way examples are packed reaches the numbers.
 */
export function maxTokensOnHost(config: DecoderConfig): number {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, layers } = config;
  const attention = (4 * heads + 6 * kvHeads) * headDim;
  const perToken = 4 * layers * (5 * hiddenSize + attention + 3 * intermediateSize);
  return Math.min(Math.max(Math.floor(ACTIVATION_BYTES / perToken / 256) * 256, 512), 4096);
}
