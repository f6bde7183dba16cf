/** Qwen3, dense: norms on every head's q and k instead of biases, and a head size of its own. */
import { type LlamaFamily, llamaFamily, qwenWindows, readLlamaConfig } from "./llama-block.ts";

export const qwen3: LlamaFamily = llamaFamily((json) => {
  const config = readLlamaConfig(json, { headDim: 128 });
  const bias = json.boolean("attention_bias", false);
  return { ...config, qkvBias: bias, outputBias: bias, headNorms: true, windows: qwenWindows(json, config.layers) };
});
