/** Qwen2 and Qwen2.5: Llama's block with biases on q, k and v. */
import type { Family } from "./family.ts";
import { llamaFamily, qwenWindows, readLlamaConfig } from "./llama-block.ts";

export const qwen2: Family = llamaFamily((json) => {
  const config = readLlamaConfig(json);
  return { ...config, qkvBias: true, windows: qwenWindows(json, config.layers) };
});
