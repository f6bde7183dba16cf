/** Gemma 2: soft caps, norms before and after attention and MLP, a sliding window in every other layer. */
import { readGemma2Config } from "./gemma-config.ts";
import { type LlamaFamily, llamaFamily } from "./llama-block.ts";

export const gemma2: LlamaFamily = llamaFamily((json) =>
  readGemma2Config(json, { isFull: (layer) => layer % 2 === 1, attentionSoftcap: 50, logitSoftcap: 30 }),
);
