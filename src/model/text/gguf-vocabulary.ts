/**
 * A tokenizer.json as llama.cpp's metadata: byte-level BPE as its "gpt2", BPE over ▁ with byte fallback as its "llama"
 * (SentencePiece). Keys and kinds of tokens as llama.cpp's convert_hf_to_gguf.py writes them.
 */
import { UserError } from "../../base/errors.ts";
import type { GgufValue } from "../files/gguf-types.ts";
import { isJsonObject, type JsonObject } from "../files/json-file.ts";
import { asComponent, type Component, componentList } from "./component.ts";
import { ggufPreTokenizer } from "./gguf-pre-tokenizer.ts";
import { sentencePieceScores } from "./gguf-scores.ts";
import { loadTokenizer, readTokenizerJson, type Tokenizer } from "./tokenizer.ts";

/** llama.cpp's kinds of tokens. */
const kinds = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** Tokens that are not marked special in tokenizer.json and still are no text; the list is llama.cpp's. */
const CONTROL = /^(<pad>|<mask>|<2mass>|\[@BOS@\]|<\|.*\|>|<｜.*｜>|<unused.*>)$/s;

const BYTE = /^<0x[0-9A-F]{2}>$/;

export interface GgufVocabularyOptions {
  /** Rows of the embedding. */
  readonly vocabSize: number;
  /** Of config.json, where the tokenizer names no such token. */
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly chatTemplate: string | undefined;
}

export interface GgufVocabulary {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Where llama.cpp may cut a text otherwise. */
  readonly notes: readonly string[];
}

/**
 * The vocabulary of a model's folder.
 * @throws UserError where llama.cpp has no such tokenizer
 */
export function ggufVocabulary(folder: string, options: GgufVocabularyOptions): GgufVocabulary {
  const { json, path } = readTokenizerJson(folder);
  const tokenizer = loadTokenizer(folder);
  const notes: string[] = [];
  const isByteLevel = usesByteLevel(asComponent(json.pre_tokenizer, "pre_tokenizer", path), path);
  const { vocabSize } = options;
  if (tokenizer.vocabSize > vocabSize) {
    notes.push(`${tokenizer.vocabSize - vocabSize} tokens beyond the embedding's ${vocabSize} rows are left out`);
  }
  const { tokens, types } = tokenList(tokenizer, json, vocabSize, isByteLevel);
  const model = isByteLevel ? byteLevelModel(json, path) : sentencePieceModel(json, tokens, path, notes);
  const metadata = new Map<string, GgufValue>([
    ["tokenizer.ggml.model", { type: "string", value: isByteLevel ? "gpt2" : "llama" }],
    ["tokenizer.ggml.tokens", { type: "string[]", value: tokens }],
    ["tokenizer.ggml.token_type", { type: "i32[]", value: types }],
    ...model,
    ...specialTokens(tokenizer, options),
  ]);
  if (options.chatTemplate !== undefined) {
    metadata.set("tokenizer.chat_template", { type: "string", value: options.chatTemplate });
  }
  return { metadata, notes };
}

function usesByteLevel(component: Component | null, where: string): boolean {
  if (component?.type !== "Sequence") return component?.type === "ByteLevel";
  return componentList(component, "pretokenizers", where).some((member) => usesByteLevel(member, where));
}

function tokenList(
  tokenizer: Tokenizer,
  json: JsonObject,
  vocabSize: number,
  isByteLevel: boolean,
): { tokens: string[]; types: number[] } {
  const unknown = isJsonObject(json.model) ? json.model.unk_token : undefined;
  const tokens: string[] = [];
  const types: number[] = [];
  for (let id = 0; id < vocabSize; id++) {
    const token = tokenizer.token(id);
    if (token === undefined) {
      tokens.push(`[PAD${id}]`);
      types.push(kinds.unused);
    } else if (!isByteLevel && (token === unknown || BYTE.test(token))) {
      // Bytes that are special tokens as well would not be printed.
      tokens.push(token);
      types.push(token === unknown ? kinds.unknown : kinds.byte);
    } else if (tokenizer.isAdded(id)) {
      const isControl = tokenizer.isSpecial(id) || CONTROL.test(token);
      // llama.cpp looks for user-defined tokens in the text before it turns spaces into ▁.
      tokens.push(isControl ? token : token.replaceAll("▁", " "));
      types.push(isControl ? kinds.control : kinds.userDefined);
    } else {
      tokens.push(token);
      types.push(kinds.normal);
    }
  }
  return { tokens, types };
}

function byteLevelModel(json: JsonObject, where: string): [string, GgufValue][] {
  return [
    ["tokenizer.ggml.pre", { type: "string", value: ggufPreTokenizer(json, where) }],
    ["tokenizer.ggml.merges", { type: "string[]", value: mergesOf(json, where).map((pair) => pair.join(" ")) }],
  ];
}

function sentencePieceModel(
  json: JsonObject,
  tokens: readonly string[],
  where: string,
  notes: string[],
): [string, GgufValue][] {
  const { model } = json;
  if (!isJsonObject(model) || model.byte_fallback !== true) throw notKnown(where);
  const merges = mergesOf(json, where);
  const { scores, otherPairs } = sentencePieceScores(tokens, merges);
  if (otherPairs > 0) {
    notes.push(
      `llama.cpp joins any two tokens whose text together is a token, which this tokenizer does not for ${otherPairs} pairs: ` +
        "it may cut rare texts otherwise",
    );
  }
  const space = spaceInFront(json, where);
  if (space === "unless there") {
    notes.push(
      "llama.cpp puts a space in front of every stretch of text between special tokens, where this tokenizer leaves one that is there alone",
    );
  }
  return [
    ["tokenizer.ggml.pre", { type: "string", value: "default" }],
    ["tokenizer.ggml.scores", { type: "f32[]", value: scores }],
    ["tokenizer.ggml.add_space_prefix", { type: "bool", value: space !== "never" }],
  ];
}

/** Pairs of tokens in the order of their rank. */
function mergesOf(json: JsonObject, where: string): (readonly [string, string])[] {
  const merges = isJsonObject(json.model) ? json.model.merges : undefined;
  if (!Array.isArray(merges)) throw notKnown(where);
  return merges.map((merge) => {
    const pair = typeof merge === "string" ? splitOnce(merge) : merge;
    if (Array.isArray(pair) && typeof pair[0] === "string" && typeof pair[1] === "string") return [pair[0], pair[1]];
    throw notKnown(where);
  });
}

function splitOnce(merge: string): string[] {
  const at = merge.indexOf(" ", 1);
  return [merge.slice(0, at), merge.slice(at + 1)];
}

/** Where a tokenizer puts a ▁ in front of text: a normalizer that prepends it, or Metaspace. */
function spaceInFront(json: JsonObject, where: string): "always" | "unless there" | "never" {
  const parts = (key: "normalizer" | "pre_tokenizer", list: string): Component[] => {
    const component = asComponent(json[key], key, where);
    if (component === null) return [];
    return component.type === "Sequence" ? componentList(component, list, where) : [component];
  };
  if (parts("normalizer", "normalizers").some(({ type }) => type === "Prepend")) return "always";
  const metaspace = parts("pre_tokenizer", "pretokenizers").find(({ type }) => type === "Metaspace");
  const isOff = metaspace?.prepend_scheme === "never" || metaspace?.add_prefix_space === false;
  return metaspace === undefined || isOff ? "never" : "unless there";
}

function specialTokens(tokenizer: Tokenizer, options: GgufVocabularyOptions): [string, GgufValue][] {
  const { vocabSize } = options;
  const unknown = tokenizer.config.unk_token;
  const ids = {
    bos: tokenizer.bosId ?? options.bosId,
    eos: tokenizer.eosId ?? options.eosId,
    padding: tokenizer.padId,
    unknown: typeof unknown === "string" ? tokenizer.tokenId(unknown) : undefined,
  };
  const entries: [string, GgufValue][] = [];
  for (const [name, id] of Object.entries(ids)) {
    if (id !== undefined && id < vocabSize)
      entries.push([`tokenizer.ggml.${name}_token_id`, { type: "u32", value: id }]);
  }
  const around = tokenizer.encodeWithSpecial("").ids;
  const adds = { bos: around[0] === ids.bos, eos: around.at(-1) === ids.eos };
  for (const [name, value] of Object.entries(adds)) {
    entries.push([`tokenizer.ggml.add_${name}_token`, { type: "bool", value: value && around.length > 0 }]);
  }
  return entries;
}

function notKnown(where: string): UserError {
  return new UserError({
    code: "export/unknown-tokenizer",
    message: "llama.cpp has no such tokenizer: it is neither byte-level BPE nor BPE with byte fallback",
    where,
    fix: "export to safetensors instead: --format safetensors",
  });
}
