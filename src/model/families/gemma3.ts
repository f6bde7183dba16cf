/** Gemma 3, its text model: norms on every head's q and k, and most layers local, with rotary positions of their own. */
import { readRope } from "../files/rope.ts";
import { readSize } from "./decoder-config.ts";
import { readGemma2Config } from "./gemma-config.ts";
import { type LlamaFamily, llamaFamily } from "./llama-block.ts";

export const gemma3: LlamaFamily = llamaFamily((json) => {
  const pattern = readSize(json, "sliding_window_pattern", 6);
  const config = readGemma2Config(json, {
    isFull: (layer) => (layer + 1) % pattern === 0,
    ropes: {
      full_attention: readRope(json, { layerType: "full_attention", defaultTheta: 1e6 }),
      sliding_attention: readRope(json, { layerType: "sliding_attention", defaultTheta: 1e4 }),
    },
  });
  // transformers reads attn_logit_softcapping here too, and does not apply it.
  return { ...config, headNorms: true, attentionSoftcap: undefined };
});
