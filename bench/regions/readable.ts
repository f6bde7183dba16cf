import type { Tokenizer } from "../../src/model/text/tokenizer.ts";

/** Whole lines from the beginning of a text, as many as have at most so many tokens. */
export function readable(text: string, tokenizer: Tokenizer, maxTokens: number): string {
  const { ids, offsets } = tokenizer.encodeWithSpecial(text);
  if (ids.length <= maxTokens) return text;
  return text.slice(0, text.lastIndexOf("\n", offsets[2 * maxTokens - 1]! - 1) + 1);
}
