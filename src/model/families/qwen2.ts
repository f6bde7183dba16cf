/** Qwen2 and Qwen2.5: Llama's block with biases on q, k and v. */
import { type LlamaFamily, llamaFamily, qwenWindows, readLlamaConfig } from "./llama-block.ts";

export const qwen2: LlamaFamily = llamaFamily((json) => {
  const config = readLlamaConfig(json);
  return { ...config, qkvBias: true, windows: qwenWindows(json, config.layers) };
});
