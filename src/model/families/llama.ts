/** Llama 1 to 3.x, Code Llama, DeepSeek-Coder v1 and others of model_type "llama". */
import { type LlamaFamily, llamaFamily, readLlamaConfig } from "./llama-block.ts";

export const llama: LlamaFamily = llamaFamily((json) => {
  const bias = json.boolean("attention_bias", false);
  return {
    ...readLlamaConfig(json),
    qkvBias: bias,
    outputBias: bias,
    mlpBias: json.boolean("mlp_bias", false),
  };
});
