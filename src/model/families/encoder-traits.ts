/** What is said of an encoder beside what is said of any model: it reads texts to their end, and writes no words. */
import { UserError } from "../../base/errors.ts";
import type { ConfigJson } from "../files/config.ts";
import type { ClassHeadMaker } from "./class-head.ts";

export interface EncoderTraits {
  /** What its classifiers end with. */
  readonly classHead: ClassHeadMaker;
  /** The name here of a tensor in a checkpoint: some are saved without the model's prefix, old ones under other names. */
  readonly nameOf: (stored: string) => string;
  /** Whether a tensor belongs to what checkpoints have beside: the heads of other tasks. */
  readonly isBeside: (name: string) => boolean;
}

/** How far ahead a query sees where it sees all of its segment. */
export const WHOLE_SEGMENT: number = Number.POSITIVE_INFINITY;

/** @throws UserError for what only decoders do: the model has no way to write words */
export function refuseWords(): never {
  throw new UserError({
    code: "model/encoder",
    message: "the model is an encoder, which reads texts and writes no words: it answers by a class head only",
    fix: "take task_type SEQ_CLS, or a base that writes (Llama, Qwen, Gemma, StarCoder, …)",
  });
}

/** @throws UserError for encoders in the shape of something else */
export function refuseDecoderSwitches(json: ConfigJson): void {
  for (const key of ["is_decoder", "add_cross_attention"]) {
    if (json.boolean(key, false)) throw json.wrong(key, "false: only encoders are supported");
  }
  const kind = json.string("position_embedding_type", "absolute");
  if (kind !== "absolute")
    throw json.wrong("position_embedding_type", "absolute: relative positions are not supported");
}

/** `nameOf` of models whose parts are saved without a prefix where they are saved without a head, and of TensorFlow's norms. */
export function prefixed(prefix: string, parts: readonly string[]): EncoderTraits["nameOf"] {
  return (stored) => {
    const name = stored.replace(/LayerNorm\.gamma$/, "LayerNorm.weight").replace(/LayerNorm\.beta$/, "LayerNorm.bias");
    return parts.some((part) => name.startsWith(`${part}.`)) ? `${prefix}.${name}` : name;
  };
}
