import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { fileError } from "./file-error.ts";

/** What a model made of another one takes over from its folder as it is. */
const COMPANIONS: readonly string[] = [
  "tokenizer.json",
  "tokenizer_config.json",
  "tokenizer.model",
  "special_tokens_map.json",
  "chat_template.jinja",
  "generation_config.json",
];

/**
 * Copies tokenizer, chat template and generation defaults, as far as they are there.
 * @throws UserError when the disk is full or a file cannot be read
 */
export function copyCompanions(from: string, to: string): void {
  for (const name of COMPANIONS) {
    const source = join(from, name);
    try {
      if (existsSync(source)) copyFileSync(source, join(to, name));
    } catch (error) {
      throw fileError("copy", source, error);
    }
  }
}
