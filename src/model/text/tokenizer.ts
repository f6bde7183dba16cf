import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject, readTextFile } from "../files/json-file.ts";
import { type AddedToken, AddedTokenFinder, readAddedTokens } from "./added-tokens.ts";
import { type AlignedText, endOf, slice, startOf } from "./aligned-text.ts";
import { Bpe, readVocab } from "./bpe.ts";
import { CommonHead } from "./common-head.ts";
import { asComponent, damaged, unsupported } from "./component.ts";
import { createDecoder, type Decode } from "./decoder.ts";
import type { Encoding } from "./encoding.ts";
import { createNormalizer, type Normalize } from "./normalizer.ts";
import { readPostProcessor, type SpecialTokens } from "./post-processor.ts";
import { createPreTokenizer, type PreTokenizer } from "./pre-tokenizer.ts";
import { SectionCache } from "./section-cache.ts";
import { isolateSpaces } from "./space-boundaries.ts";
import type { TokenModel } from "./token-model.ts";
import { TokenSink } from "./token-sink.ts";
import { WordPiece } from "./word-piece.ts";

const MAX_TOKENIZER_BYTES = 256 * 2 ** 20;
/** Positions inside a text are kept in 26 bits. */
const MAX_TEXT_LENGTH = 2 ** 26;
const MAX_TOKEN_ID = 2 ** 24;

export interface DecodeOptions {
  /** Leave out tokens such as `<|im_end|>`. */
  readonly skipSpecial?: boolean;
}

/** A Hugging Face fast tokenizer: text to token ids with character ranges, and back. */
export class Tokenizer {
  /** One more than the highest id. */
  readonly vocabSize: number;
  /** Where it was loaded from. */
  readonly folder: string | undefined;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly padId: number | undefined;
  /** tokenizer_config.json, empty when there is none. */
  readonly config: Readonly<JsonObject>;
  readonly #addedIds: ReadonlyMap<string, number>;
  readonly #tokens: readonly (string | undefined)[];
  readonly #added: ReadonlyMap<number, AddedToken>;
  readonly #beforeNormalizing: AddedTokenFinder;
  readonly #afterNormalizing: AddedTokenFinder;
  readonly #normalize: Normalize;
  readonly #preTokenizer: PreTokenizer;
  readonly #model: TokenModel;
  readonly #special: SpecialTokens;
  readonly #decode: Decode;
  readonly #firstSections = new SectionCache();
  readonly #sections = new SectionCache();
  readonly #head = new CommonHead();
  readonly #sink = new TokenSink();

  /**
   * @param json a parsed tokenizer.json.
   * @param config a parsed tokenizer_config.json.
   * @param where the file, for error messages.
   * @param folder where both files lie.
   * @throws UserError when it is damaged or uses a part that is not supported.
   */
  constructor(json: JsonObject, config: JsonObject, where: string, folder?: string) {
    const model = json.model;
    if (!isJsonObject(model)) throw damaged('"model" must be an object', where);
    const vocab = readVocab(model.vocab, MAX_TOKEN_ID, where);
    const added = readAddedTokens(json.added_tokens, MAX_TOKEN_ID, where);
    const normalize = createNormalizer(asComponent(json.normalizer, "normalizer", where), where);
    const preTokenizer = createPreTokenizer(asComponent(json.pre_tokenizer, "pre_tokenizer", where), where);
    this.config = config;
    this.folder = folder;
    this.#normalize = normalize;
    this.#model = createModel(model, vocab, preTokenizer.byteLevel, where);
    this.#preTokenizer = isolateSpaces(preTokenizer, model);
    this.#special = readPostProcessor(asComponent(json.post_processor, "post_processor", where), where);
    this.#decode = createDecoder(asComponent(json.decoder, "decoder", where), where);
    this.#addedIds = new Map(added.map(({ content, id }) => [content, id]));
    this.#added = new Map(added.map((token) => [token.id, token]));
    this.#beforeNormalizing = new AddedTokenFinder(added.filter(({ normalized }) => !normalized));
    this.#afterNormalizing = new AddedTokenFinder(
      added.filter(({ normalized }) => normalized),
      ({ content }) => normalize({ text: content, base: 0 }).text,
    );
    const tokens: (string | undefined)[] = [];
    for (const ids of [vocab, this.#addedIds]) for (const [token, id] of ids) tokens[id] = token;
    this.#tokens = tokens;
    this.vocabSize = tokens.length;
    this.bosId = this.#configuredId("bos_token");
    this.eosId = this.#configuredId("eos_token");
    this.padId = this.#configuredId("pad_token");
  }

  /**
   * Tokens of a text. Added tokens such as `<|im_start|>` in the text are recognised; none are put around it, which is
   * what a rendered chat needs.
   */
  encode(text: string): Encoding {
    return this.#encode(text, false).from(0, 0);
  }

  /** The same as `encode`; valid until the tokenizer takes the next text. */
  encodeOnce(text: string): Encoding {
    return this.#encode(text, false).view();
  }

  /** Tokens of a text with those around it that the tokenizer's post-processor asks for: bos, eos, [CLS], [SEP]. */
  encodeWithSpecial(text: string): Encoding {
    return this.#encode(text, true).from(0, 0);
  }

  /** Text of tokens. Ids outside the vocabulary are left out. */
  decode(ids: Iterable<number>, { skipSpecial = false }: DecodeOptions = {}): string {
    const tokens: string[] = [];
    for (const id of ids) {
      const token = this.#tokens[id];
      if (token !== undefined && !(skipSpecial && this.isSpecial(id))) tokens.push(token);
    }
    return this.#decode(tokens);
  }

  tokenId(token: string): number | undefined {
    return this.#addedIds.get(token) ?? this.#model.vocab.get(token);
  }

  /** The token's string as the vocabulary spells it. */
  token(id: number): string | undefined {
    return this.#tokens[id];
  }

  /** Marked special in tokenizer.json. */
  isSpecial(id: number): boolean {
    return this.#added.get(id)?.special === true;
  }

  /** In `added_tokens`, special or not. */
  isAdded(id: number): boolean {
    return this.#added.has(id);
  }

  #encode(text: string, withSpecial: boolean): TokenSink {
    if (text.length > MAX_TEXT_LENGTH) {
      throw new UserError({
        code: "tokenizer/text-too-long",
        message: `a text of ${text.length} characters is too long to tokenize; the limit is ${MAX_TEXT_LENGTH}`,
        fix: "split it",
      });
    }
    const sink = this.#sink;
    sink.clear();
    if (withSpecial) for (const id of this.#special.before) sink.push(id, 0, 0);
    const head = withSpecial ? undefined : this.#head;
    const added = this.#beforeNormalizing;
    const found = {
      token: (token: AddedToken, begin: number, end: number): void => {
        sink.push(token.id, begin, end);
        if (added.isFinal(token)) head?.mayEnd(end, sink);
      },
      text: (begin: number, end: number): void => this.#encodeSection(text.slice(begin, end), begin, sink),
    };
    added.split(text, found, head?.append(text, sink));
    head?.learn(text, sink);
    if (withSpecial) for (const id of this.#special.after) sink.push(id, text.length, text.length);
    return sink;
  }

  #encodeSection(section: string, base: number, sink: TokenSink): void {
    // Some pre-tokenizers put a space in front of a text's very beginning, and nowhere else.
    const cache = base === 0 ? this.#firstSections : this.#sections;
    const known = cache.get(section);
    if (known !== undefined) {
      sink.append(known, base);
      return;
    }
    const before = sink.length;
    this.#encodeText({ text: section, base }, sink);
    cache.offer(section, () => sink.from(before, base));
  }

  #encodeText(section: AlignedText, sink: TokenSink): void {
    const normalized = this.#normalize(section);
    this.#afterNormalizing.split(normalized.text, {
      token: ({ id }, begin, end) => sink.push(id, startOf(normalized, begin), endOf(normalized, end)),
      text: (begin, end) => this.#encodePieces(this.#preTokenizer.prepare(slice(normalized, begin, end)), sink),
    });
  }

  #encodePieces(prepared: AlignedText, sink: TokenSink): void {
    const { text } = prepared;
    this.#preTokenizer.split(text, 0, text.length, (begin, end) => {
      const isPlain = prepared.starts === undefined;
      if (isPlain && this.#model.cache.append(text, begin, end, prepared.base, sink)) return;
      const tokens = this.#model.encodePiece(text, begin, end);
      if (isPlain) sink.appendPiece(tokens, prepared.base + begin);
      else
        for (let i = 0; i < tokens.length; i += 3) {
          sink.push(tokens[i]!, startOf(prepared, begin + tokens[i + 1]!), endOf(prepared, begin + tokens[i + 2]!));
        }
    });
  }

  #configuredId(key: string): number | undefined {
    const content = tokenContent(this.config[key]);
    return content === undefined ? undefined : this.tokenId(content);
  }
}

function createModel(model: JsonObject, vocab: Map<string, number>, byteLevel: boolean, where: string): TokenModel {
  // Old files leave the type out; only BPE has merges.
  const type = model.type ?? (Array.isArray(model.merges) ? "BPE" : undefined);
  if (type === "BPE") return new Bpe(model, vocab, byteLevel, where);
  if (type === "WordPiece") return new WordPiece(model, vocab, where);
  throw unsupported("model", String(type), where);
}

/** `bos_token` and the like: a string, or an object with `content`. */
export function tokenContent(value: JsonValue | undefined): string | undefined {
  const content = isJsonObject(value) ? value.content : value;
  return typeof content === "string" ? content : undefined;
}

/**
 * Loads `tokenizer.json`, and `tokenizer_config.json` when it is there.
 * @throws UserError when a file is missing, damaged or of a kind that is not supported.
 */
export function loadTokenizer(folder: string): Tokenizer {
  const { json, path } = readTokenizerJson(folder);
  return new Tokenizer(json, readTokenizerConfig(folder), path, folder);
}

/** `tokenizer.json` of a folder, parsed. @throws UserError when it is missing or no JSON object */
export function readTokenizerJson(folder: string): { readonly json: JsonObject; readonly path: string } {
  const path = join(folder, "tokenizer.json");
  if (!existsSync(path)) {
    throw new UserError({
      code: "tokenizer/missing",
      message: "there is no tokenizer.json",
      where: folder,
      fix: "download it too; slow tokenizers (vocab.json, tokenizer.model) must be converted with transformers first",
    });
  }
  return { json: parseJsonObject(readTextFile(path, MAX_TOKENIZER_BYTES), path), path };
}

/** `tokenizer_config.json` of a folder, or an empty object. @throws UserError when it is damaged. */
export function readTokenizerConfig(folder: string): JsonObject {
  const path = join(folder, "tokenizer_config.json");
  return existsSync(path) ? parseJsonObject(readTextFile(path, 16 * 2 ** 20), path) : {};
}
