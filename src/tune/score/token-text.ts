/** A single token as text and as bytes, for lists of log-probabilities. */
import { CHAR_TO_BYTE } from "../../model/text/byte-level.ts";
import type { Tokenizer } from "../../model/text/tokenizer.ts";

export interface TokenText {
  /** Bytes that are no whole characters are U+FFFD. */
  readonly token: string;
  /** Of UTF-8; null where the vocabulary does not tell them. */
  readonly bytes: readonly number[] | null;
}

export function tokenText(tokenizer: Tokenizer, id: number): TokenText {
  const first = tokenizer.decode([id]);
  // Some decoders take a space off the first token of a text.
  const twice = tokenizer.decode([id, id]);
  const token = twice.startsWith(first) ? twice.slice(first.length) : first;
  if (!token.includes("\ufffd")) return { token, bytes: [...Buffer.from(token)] };
  const spelling = tokenizer.token(id) ?? "";
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(spelling)?.[1];
  if (byte !== undefined) return { token, bytes: [Number.parseInt(byte, 16)] };
  const mapped = Array.from(spelling, (character) => CHAR_TO_BYTE[character.codePointAt(0)!] ?? -1);
  return { token, bytes: mapped.includes(-1) ? null : mapped };
}
