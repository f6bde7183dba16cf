/** Gemma 1 and CodeGemma. */
import type { Activation } from "../../engine/ops/activation/activation.ts";
import type { ConfigJson } from "../files/config.ts";
import { readActivation } from "./decoder-config.ts";
import { readGemmaConfig } from "./gemma-config.ts";
import { type LlamaFamily, llamaFamily } from "./llama-block.ts";

export const gemma: LlamaFamily = llamaFamily((json) => ({ ...readGemmaConfig(json), activation: activationOf(json) }));

/** `hidden_act` decides, but the first checkpoints say "gelu" there and mean `hidden_activation`, or its tanh form. */
function activationOf(json: ConfigJson): Activation {
  const isLegacy = json.string("hidden_act", "gelu") === "gelu";
  return readActivation(json, isLegacy ? "hidden_activation" : "hidden_act", "gelu_pytorch_tanh");
}
