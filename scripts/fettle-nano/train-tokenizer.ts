/**
 * Train fettle-nano's tokenizer and write it in Hugging Face's layout:
 *
 *     node dist/scripts/fettle-nano/train-tokenizer.js DATA_FOLDER MODEL_FOLDER
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { trainBpe } from "./bpe-trainer.ts";
import { readArticles, readContracts, readDockerfiles } from "./documents.ts";

/** Entries in all, special tokens included. */
const VOCABULARY_SIZE = 8192;

/** Markers that text must never spell by accident: they are hidden when decoding for people. */
const CONTROL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/** Markers that are part of what a model says; the names are Qwen3's. */
const VISIBLE_TOKENS = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"];

/** Qwen2's split: contractions, letters with one leading mark, single digits, punctuation, line ends, white space. */
const SPLIT_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** The same for JavaScript engines without inline flags. */
const splitWords = new RegExp(
  SPLIT_PATTERN.replace(
    /\(\?i:([^)]*)\)/,
    (_, body: string) => `(?:${body.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`)})`,
  ),
  "gu",
);

/** Part of the merges each kind of text should earn; kinds are scaled to these shares by their length. */
const SHARES = { news: 0.65, dockerfiles: 0.2, solidity: 0.15 };

/** Words of fewer texts than this are names that no other text will use. */
const MINIMUM_TEXTS = 4;

/** Longer words are rulers, indentation and hashes: not worth an entry. */
const MAXIMUM_WORD_LENGTH = 24;

const [dataFolder, modelFolder] = process.argv.slice(2);
if (dataFolder === undefined || modelFolder === undefined) {
  throw new Error("usage: train-tokenizer.js DATA_FOLDER MODEL_FOLDER");
}

const texts: Record<keyof typeof SHARES, string[]> = {
  news: readArticles(dataFolder).map(({ title, description }) => `${title}\n${description}`),
  dockerfiles: readDockerfiles(dataFolder).map((file) => file.text),
  solidity: readContracts(dataFolder).map((file) => file.text),
};

const specialTokens = [...CONTROL_TOKENS, ...VISIBLE_TOKENS];
const { vocab, merges } = trainBpe(weighWords(), VOCABULARY_SIZE - specialTokens.length);
const addedTokens = specialTokens.map((content, index) => ({
  id: vocab.size + index,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: CONTROL_TOKENS.includes(content),
}));
const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };

writeJson("tokenizer.json", {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: addedTokens,
  normalizer: { type: "NFC" },
  pre_tokenizer: {
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: SPLIT_PATTERN }, behavior: "Isolated", invert: false },
      byteLevel,
    ],
  },
  post_processor: byteLevel,
  decoder: byteLevel,
  model: {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: "",
    end_of_word_suffix: "",
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(vocab),
    merges: merges.map((pair) => pair.join(" ")),
  },
});
writeJson("tokenizer_config.json", {
  add_bos_token: false,
  add_prefix_space: false,
  added_tokens_decoder: Object.fromEntries(addedTokens.map(({ id, ...token }) => [id, token])),
  additional_special_tokens: ["<|im_start|>", "<|im_end|>"],
  bos_token: null,
  clean_up_tokenization_spaces: false,
  eos_token: "<|im_end|>",
  errors: "replace",
  model_max_length: 1024,
  pad_token: "<|endoftext|>",
  split_special_tokens: false,
  tokenizer_class: "Qwen2Tokenizer",
  unk_token: null,
});
console.log(`${vocab.size + addedTokens.length} entries, ${merges.length} merges, ${addedTokens.length} added tokens`);

/** Count the words of every kind of text, scaled to SHARES in whole numbers. */
function weighWords(): Map<string, number> {
  const words = new Map<string, number>();
  for (const [kind, share] of Object.entries(SHARES)) {
    const counted = countWords(texts[kind as keyof typeof SHARES]);
    let characters = 0;
    for (const [word, count] of counted) characters += word.length * count;
    const weight = Math.round((1e10 * share) / characters);
    for (const [word, count] of counted) words.set(word, (words.get(word) ?? 0) + count * weight);
    console.log(`${kind}: ${characters} characters in ${counted.size} distinct words, weight ${weight}`);
  }
  return words;
}

/** How often each word worth learning from occurs. */
function countWords(list: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  const textsWith = new Map<string, number>();
  for (const text of list) {
    const here = new Set<string>();
    for (const [word] of text.normalize("NFC").matchAll(splitWords)) {
      if (word.length > MAXIMUM_WORD_LENGTH) continue;
      counts.set(word, (counts.get(word) ?? 0) + 1);
      here.add(word);
    }
    for (const word of here) textsWith.set(word, (textsWith.get(word) ?? 0) + 1);
  }
  return new Map([...counts].filter(([word]) => textsWith.get(word)! >= MINIMUM_TEXTS));
}

function writeJson(name: string, value: unknown): void {
  writeFileSync(join(modelFolder!, name), `${JSON.stringify(value)}\n`);
}
