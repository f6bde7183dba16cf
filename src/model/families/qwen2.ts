/** Qwen2 and Qwen2.5: Llama's block with biases on q, k and v. */
import { qwenWindows, readDecoderConfig } from "./decoder-config.ts";
import type { Family } from "./family.ts";

export const qwen2: Family = {
  readConfig(json) {
    const config = readDecoderConfig(json);
    return { ...config, qkvBias: true, windows: qwenWindows(json, config.layers) };
  },
};
