/** Mistral: Llama's block with an optional sliding window in every layer. */
import { readDecoderConfig } from "./decoder-config.ts";
import type { Family } from "./family.ts";

export const mistral: Family = {
  readConfig(json) {
    const config = readDecoderConfig(json);
    const window = json.optionalInteger("sliding_window");
    return { ...config, windows: config.windows.map(() => window) };
  },
};
