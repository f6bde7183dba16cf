/** Mistral: Llama's block with an optional sliding window in every layer. */
import { readPositiveOrNone } from "./decoder-config.ts";
import { type LlamaFamily, llamaFamily, readLlamaConfig } from "./llama-block.ts";

export const mistral: LlamaFamily = llamaFamily((json) => {
  const config = readLlamaConfig(json);
  const window = readPositiveOrNone(json, "sliding_window", 4096);
  return { ...config, windows: config.windows.map(() => window) };
});
