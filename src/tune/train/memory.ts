/** Automatic choices about memory. They depend on the model alone, so that a run's numbers do not depend on the day. */
import { totalmem } from "node:os";
import type { PackingOptions, TrainingOptions } from "../../base/recipe/recipe.ts";
import type { DecoderConfig } from "../../model/families/decoder-config.ts";

export interface AutomaticChoice<T> {
  readonly value: T;
  readonly reason: string;
}

/** Activations of one pack aim at this many bytes. */
const ACTIVATION_BYTES = 2 ** 29;

/** What the backward pass keeps of one token, in bytes: inputs of every op of every layer, in f32. */
export function activationBytesPerToken(config: DecoderConfig): number {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, layers } = config;
  const attention = (4 * heads + 6 * kvHeads) * headDim;
  return 4 * layers * (5 * hiddenSize + attention + 3 * intermediateSize);
}

export function chooseMaxTokens(option: PackingOptions["max_tokens"], config: DecoderConfig): AutomaticChoice<number> {
  if (option !== "auto") return { value: option, reason: "recipe" };
  const fitting = Math.floor(ACTIVATION_BYTES / activationBytesPerToken(config) / 256) * 256;
  const value = Math.min(Math.max(fitting, 512), 4096);
  return { value, reason: `activations of a pack stay near ${ACTIVATION_BYTES / 2 ** 20} MiB` };
}

export function chooseRecompute(
  option: TrainingOptions["recompute"],
  config: DecoderConfig,
  maxTokens: number,
): AutomaticChoice<boolean> {
  if (option !== "auto") return { value: option === "full", reason: "recipe" };
  const needed = maxTokens * activationBytesPerToken(config);
  const value = needed > totalmem() / 4;
  const gib = (needed / 2 ** 30).toFixed(2);
  return { value, reason: `activations of a pack are ${gib} GiB, ${value ? "more" : "less"} than a quarter of memory` };
}
