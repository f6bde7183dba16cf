/** Rotary positions as llama.cpp's metadata. */
import type { ConfigJson } from "../../files/config.ts";
import type { GgufValue } from "../../files/gguf-types.ts";
import type { Rope } from "../../files/rope.ts";
import { rotaryFrequencies } from "../rotary.ts";
import { f32, type GgufExtraTensor, notInLlamaCpp, text, u32 } from "./architecture.ts";

/**
 * How positions are stretched.
 * @param hasFactors the architecture reads a factor for every frequency, which is how Llama 3 is written
 * @throws UserError for a way that llama.cpp has not
 */
export function ropeScaling({ scaling }: Rope, json: ConfigJson, hasFactors: boolean): [string, GgufValue][] {
  switch (scaling.type) {
    case "default":
    // Within the trained context dynamic scaling changes nothing.
    case "dynamic":
      return [];
    case "linear":
      return [
        ["rope.scaling.type", text("linear")],
        ["rope.scaling.factor", f32(scaling.factor)],
      ];
    case "llama3":
      if (hasFactors) return [];
      throw notInLlamaCpp(json, "Llama 3's scaling of rotary positions is read for llama models only");
    case "yarn": {
      const { factor, attentionFactor, mscale, mscaleAllDim, truncate } = scaling;
      const usual = 0.1 * Math.log(factor) + 1;
      const isUsual = attentionFactor === undefined || Math.abs(attentionFactor - usual) < 1e-6;
      if (!isUsual || mscale !== undefined || mscaleAllDim !== undefined || !truncate) {
        throw notInLlamaCpp(json, "YaRN with attention_factor, mscale or truncate of its own");
      }
      return [
        ["rope.scaling.type", text("yarn")],
        ["rope.scaling.factor", f32(factor)],
        ["rope.scaling.original_context_length", u32(scaling.originalMaxPositionEmbeddings)],
        ["rope.scaling.yarn_beta_fast", f32(scaling.betaFast)],
        ["rope.scaling.yarn_beta_slow", f32(scaling.betaSlow)],
      ];
    }
  }
}

/** Llama 3's scaling: what each plain frequency is divided by. */
export function llama3Factors(rope: Rope, headDim: number): readonly GgufExtraTensor[] {
  if (rope.scaling.type !== "llama3") return [];
  const plain = rotaryFrequencies({ ...rope, scaling: { type: "default" } }, headDim).inverse;
  const stretched = rotaryFrequencies(rope, headDim).inverse;
  return [{ name: "rope_freqs.weight", values: plain.map((frequency, i) => frequency / stretched[i]!) }];
}
