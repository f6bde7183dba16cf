import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { ConfigJson } from "./config.ts";
import { isJsonObject, type JsonObject } from "./json-file.ts";

/** How rotary frequencies are stretched beyond the trained context; formulas are in the model code that applies them. */
export type RopeScaling =
  | { readonly type: "default" }
  | { readonly type: "linear"; readonly factor: number }
  | { readonly type: "dynamic"; readonly factor: number; readonly maxPositionEmbeddings: number }
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalMaxPositionEmbeddings: number;
    }
  | {
      readonly type: "yarn";
      readonly factor: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly originalMaxPositionEmbeddings: number;
      readonly attentionFactor: number | undefined;
      readonly mscale: number | undefined;
      readonly mscaleAllDim: number | undefined;
      readonly truncate: boolean;
    };

export interface Rope {
  readonly theta: number;
  readonly scaling: RopeScaling;
}

/** Layers of one kind share their RoPE; most families have a single kind. */
export type RopeLayerType = "full_attention" | "sliding_attention";

export interface ReadRopeOptions {
  /** For families whose layer kinds differ (gemma3, modernbert). */
  readonly layerType?: RopeLayerType;
  /** The family's theta when the file has none. */
  readonly defaultTheta?: number;
}

const KINDS: readonly string[] = ["default", "linear", "dynamic", "llama3", "yarn"];
const DEFAULT_THETA = 10000;

/**
 * Reads RoPE settings in the layout of transformers 4 (`rope_theta`, `rope_scaling`, and for layer kinds
 * `rope_local_base_freq` or `global_rope_theta` / `local_rope_theta`) or 5 (`rope_parameters`, flat or by layer kind).
 * Precedence as in transformers 5: a non-null `rope_scaling` over `rope_parameters`, theta inside over theta outside.
 * @throws UserError for a kind that is not known, or a field that is missing or wrong.
 */
export function readRope(config: ConfigJson, options: ReadRopeOptions = {}): Rope {
  const rope = readRopeUnchecked(config, options);
  if (rope.theta > 0) return rope;
  throw config.wrong("rope_theta", "larger than 0");
}

function readRopeUnchecked(config: ConfigJson, { layerType, defaultTheta = DEFAULT_THETA }: ReadRopeOptions): Rope {
  const key = config.has("rope_scaling") ? "rope_scaling" : "rope_parameters";
  const section = config.optionalSection(key);
  const byLayer = layerType === undefined ? undefined : section?.optionalSection(layerType);
  if (byLayer !== undefined)
    return { theta: byLayer.number("rope_theta", defaultTheta), scaling: scalingOf(byLayer, config) };
  const outerTheta = outerThetaOf(config, layerType) ?? defaultTheta;
  // In the flat layouts scaling is for the full-attention layers only.
  if (section === undefined || layerType === "sliding_attention")
    return { theta: outerTheta, scaling: { type: "default" } };
  if (isNested(section.json)) throw section.wrong("rope_type", "at the top, not nested by layer kind");
  return { theta: section.number("rope_theta", outerTheta), scaling: scalingOf(section, config) };
}

function isNested(json: JsonObject): boolean {
  return isJsonObject(json.full_attention) || isJsonObject(json.sliding_attention);
}

function outerThetaOf(config: ConfigJson, layerType: RopeLayerType | undefined): number | undefined {
  if (layerType === "sliding_attention") {
    return config.optionalNumber("rope_local_base_freq") ?? config.optionalNumber("local_rope_theta");
  }
  if (layerType === "full_attention") {
    return config.optionalNumber("global_rope_theta") ?? config.optionalNumber("rope_theta");
  }
  return config.optionalNumber("rope_theta");
}

function scalingOf(section: ConfigJson, config: ConfigJson): RopeScaling {
  const type = section.optionalString("rope_type") ?? section.string("type", "default");
  const original = (): number =>
    section.optionalInteger("original_max_position_embeddings") ??
    config.optionalInteger("original_max_position_embeddings") ??
    config.integer("max_position_embeddings");
  switch (type) {
    case "default":
      return { type };
    case "linear":
      return { type, factor: section.number("factor") };
    case "dynamic":
      return { type, factor: section.number("factor"), maxPositionEmbeddings: original() };
    case "llama3":
      return {
        type,
        factor: section.number("factor"),
        lowFreqFactor: section.number("low_freq_factor"),
        highFreqFactor: section.number("high_freq_factor"),
        originalMaxPositionEmbeddings: section.integer("original_max_position_embeddings"),
      };
    case "yarn":
      return {
        type,
        factor: section.number("factor"),
        betaFast: section.number("beta_fast", 32),
        betaSlow: section.number("beta_slow", 1),
        originalMaxPositionEmbeddings: original(),
        attentionFactor: section.optionalNumber("attention_factor"),
        mscale: section.optionalNumber("mscale"),
        mscaleAllDim: section.optionalNumber("mscale_all_dim"),
        truncate: section.boolean("truncate", true),
      };
    default:
      throw new UserError({
        code: "config/unknown-rope",
        message: `RoPE kind "${type}" is not known`,
        where: section.where,
        fix: suggestName(type, KINDS),
      });
  }
}
