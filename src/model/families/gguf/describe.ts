/** Every family's way to llama.cpp. */
import { UserError } from "../../../base/errors.ts";
import { suggestName } from "../../../base/names.ts";
import type { ConfigJson } from "../../files/config.ts";
import { gemma } from "../gemma.ts";
import { gemma2 } from "../gemma2.ts";
import { gemma3 } from "../gemma3.ts";
import { llama } from "../llama.ts";
import type { LlamaFamily } from "../llama-block.ts";
import { mistral } from "../mistral.ts";
import { qwen2 } from "../qwen2.ts";
import { qwen3 } from "../qwen3.ts";
import type { GgufDescription } from "./architecture.ts";
import { describeBigcode, describeStarcoder2 } from "./code-architectures.ts";
import { describeLlamaBlock, type LlamaArchitecture } from "./llama-architecture.ts";

const block =
  (family: LlamaFamily, architecture: LlamaArchitecture) =>
  (json: ConfigJson): GgufDescription =>
    describeLlamaBlock(family, architecture, json);

/** By `model_type` of config.json. */
const descriptions: Readonly<Record<string, (json: ConfigJson) => GgufDescription>> = {
  gemma: block(gemma, "gemma"),
  gemma2: block(gemma2, "gemma2"),
  gemma3_text: block(gemma3, "gemma3"),
  gpt_bigcode: describeBigcode,
  llama: block(llama, "llama"),
  mistral: block(mistral, "llama"),
  qwen2: block(qwen2, "qwen2"),
  qwen3: block(qwen3, "qwen3"),
  starcoder2: describeStarcoder2,
};

/** @throws UserError when llama.cpp has not the family, or not this model's switches */
export function describeForLlamaCpp(json: ConfigJson): GgufDescription {
  const type = json.string("model_type");
  const describe = Object.hasOwn(descriptions, type) ? descriptions[type] : undefined;
  if (describe !== undefined) return describe(json);
  throw new UserError({
    code: "export/unknown-family",
    message: `models of type "${type}" cannot be exported to GGUF`,
    where: json.where,
    fix: suggestName(type, Object.keys(descriptions)),
  });
}
