/** Small models to compare with: the parity fixtures, given a tokenizer. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../../src/base/package-root.ts";
import { readConfigJson, writeConfigJson } from "../../../src/model/files/config.ts";
import type { JsonValue } from "../../../src/model/files/json-file.ts";
import { BYTE_TO_CHAR } from "../../../src/model/text/byte-level.ts";

export const fixtures: string = join(packageRoot, "tests/fixtures/parity");

/**
 * A copy of a fixture's model with a byte-level tokenizer of as many tokens as it has.
 * @param changes of its config.json
 */
export function fixtureModel(name: string, scratch: string, changes: Readonly<Record<string, JsonValue>> = {}): string {
  const folder = join(scratch, `${name}-${Object.keys(changes).length}`);
  mkdirSync(folder, { recursive: true });
  cpSync(join(fixtures, name, "model"), folder, { recursive: true });
  const config = readConfigJson(folder).with(changes);
  writeConfigJson(folder, config);
  writeTokenizer(folder, config.integer("vocab_size"));
  return folder;
}

/** The bytes themselves, those of line ends and spaces first; at most 256 tokens. */
function writeTokenizer(folder: string, vocabSize: number): void {
  const characters = [...new Set([10, 32, 9].map((byte) => BYTE_TO_CHAR[byte]!).concat(BYTE_TO_CHAR))];
  const vocab = Object.fromEntries(characters.slice(0, vocabSize).map((character, id) => [character, id]));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: { type: "BPE", vocab, merges: [] },
  };
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify({ tokenizer_class: "GPT2Tokenizer" }));
}

/** Token sequences of several lengths, the same every time. */
export function someSequences(vocabSize: number, lengths: readonly number[] = [1, 7, 48]): number[][] {
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * vocabSize);
  };
  return lengths.map((length) => Array.from({ length }, next));
}
