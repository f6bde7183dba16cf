import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { readConfigJson } from "../../model/files/config.ts";
import type { ChatTemplate } from "../../model/text/chat-template.ts";
import { renderSupervised } from "../../model/text/spans.ts";
import type { Tokenizer } from "../../model/text/tokenizer.ts";

/**
 * Tokens at which a model's answer ends: those of generation_config.json and config.json, the tokenizer's end of text,
 * and the one that closes an answer in the chat template.
 * @param folder of the model
 * @param template undefined for a model without one
 * @throws UserError when generation_config.json is damaged.
 */
export function stopTokens(folder: string, tokenizer: Tokenizer, template: ChatTemplate | undefined): Set<number> {
  const stops = new Set<number>(readConfigJson(folder).integers("eos_token_id"));
  if (existsSync(join(folder, "generation_config.json"))) {
    for (const id of readConfigJson(folder, "generation_config.json").integers("eos_token_id")) stops.add(id);
  }
  if (tokenizer.eosId !== undefined) stops.add(tokenizer.eosId);
  const closing = template && endOfTurn(template, tokenizer);
  if (closing !== undefined) stops.add(closing);
  return stops;
}

/** The last token that a model is taught to say; undefined where that is no token of its own. */
function endOfTurn(template: ChatTemplate, tokenizer: Tokenizer): number | undefined {
  const messages = [
    { role: "user", content: "Hello" },
    { role: "assistant", content: "Hello" },
  ];
  try {
    const { ids, supervised } = renderSupervised(template, tokenizer, messages);
    const last = ids[supervised.lastIndexOf(1)]!;
    return tokenizer.isAdded(last) ? last : undefined;
  } catch (error) {
    // A template may accept other conversations only; the tokens of the configuration stand.
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
