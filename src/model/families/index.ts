import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { ConfigJson } from "../files/config.ts";
import { bert } from "./bert.ts";
import type { Family } from "./family.ts";
import { gemma } from "./gemma.ts";
import { gemma2 } from "./gemma2.ts";
import { gemma3 } from "./gemma3.ts";
import { gptBigcode } from "./gpt-bigcode.ts";
import { llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { modernbert } from "./modernbert.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";
import { roberta } from "./roberta.ts";
import { starcoder2 } from "./starcoder2.ts";

/** By `model_type` of config.json. */
export const families: Readonly<Record<string, Family>> = {
  bert,
  gemma,
  gemma2,
  gemma3_text: gemma3,
  gpt_bigcode: gptBigcode,
  llama,
  mistral,
  modernbert,
  qwen2,
  qwen3,
  roberta,
  starcoder2,
};

/** @throws UserError when the model_type is missing or not one of ours. */
export function familyOf(json: ConfigJson): Family {
  const type = json.string("model_type");
  const family = Object.hasOwn(families, type) ? families[type] : undefined;
  if (family !== undefined) return family;
  throw new UserError({
    code: "model/unknown-type",
    message: `the model_type "${type}" is not supported`,
    where: json.where,
    fix: suggestName(type, Object.keys(families)),
  });
}
