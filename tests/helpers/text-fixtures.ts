import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { packageRoot } from "../../src/base/package-root.ts";
import type { JsonObject } from "../../src/model/files/json-file.ts";
import { ChatTemplate, type Message } from "../../src/model/text/chat-template.ts";
import { Tokenizer } from "../../src/model/text/tokenizer.ts";

const folder = join(packageRoot, "tests/fixtures/tokenizers");

/** What `scripts/fixtures/text.py` wrote: a tokenizer and what Hugging Face computed with it. */
export interface TextFixture {
  readonly tokenizer: JsonObject;
  readonly config: JsonObject;
  readonly rows: readonly {
    readonly text: string;
    readonly ids: number[];
    readonly offsets: number[];
    readonly ids_with_special: number[];
    readonly decoded: string;
    readonly decoded_plain: string;
  }[];
  readonly chats: Readonly<Record<string, readonly ChatFixture[]>>;
}

export interface ChatFixture {
  readonly messages: readonly Message[];
  readonly kwargs: JsonObject;
  readonly text?: string;
  readonly error?: string;
}

export const FIXTURE_NAMES = ["qwen", "llama", "starcoder", "gemma", "metaspace", "bert"] as const;
export type FixtureName = (typeof FIXTURE_NAMES)[number];

export function readFixture(name: FixtureName): TextFixture {
  return JSON.parse(gunzipSync(readFileSync(join(folder, `${name}.json.gz`))).toString()) as TextFixture;
}

export function fixtureTokenizer(name: FixtureName): Tokenizer {
  const { tokenizer, config } = readFixture(name);
  return new Tokenizer(tokenizer, config, name);
}

/** A template of tests/fixtures/tokenizers/templates with a tokenizer's special tokens. */
export function fixtureTemplate(template: string, config: JsonObject): ChatTemplate {
  const source = readFileSync(join(folder, "templates", `${template}.jinja`), "utf8");
  return new ChatTemplate(source, `${template}.jinja`, config as Record<string, string>, new Date(2026, 0, 1));
}
