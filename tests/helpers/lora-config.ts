import type { LoraConfig } from "../../src/model/families/lora.ts";

/** Rank 4 on every linear layer, and nothing special. */
export const plainLora: LoraConfig = {
  r: 4,
  lora_alpha: 8,
  lora_dropout: 0,
  target_modules: "all-linear",
  exclude_modules: null,
  use_rslora: false,
  rank_pattern: {},
  alpha_pattern: {},
};
