/** Llama 1 to 3.x, Code Llama, DeepSeek-Coder v1 and others of model_type "llama". */
import { readDecoderConfig } from "./decoder-config.ts";
import type { Family } from "./family.ts";

export const llama: Family = {
  readConfig(json) {
    const bias = json.boolean("attention_bias", false);
    return {
      ...readDecoderConfig(json),
      qkvBias: bias,
      outputBias: bias,
      mlpBias: json.boolean("mlp_bias", false),
    };
  },
};
