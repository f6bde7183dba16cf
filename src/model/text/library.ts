import * as tokenizers from "@huggingface/tokenizers";

/** The two parts of `@huggingface/tokenizers` that are used. */
interface Library {
  /** Translates Oniguruma expressions, as tokenizer.json holds them, to JavaScript. */
  readonly SplitPreTokenizer: new (
    config: object,
  ) => { readonly pattern: RegExp | null };
  readonly BertNormalizer: new (config: object) => { normalize(text: string): string };
}

// The package's type declarations import each other without file endings, which `module: nodenext` cannot follow.
const library = tokenizers as unknown as Library;
export const SplitPreTokenizer: Library["SplitPreTokenizer"] = library.SplitPreTokenizer;
export const BertNormalizer: Library["BertNormalizer"] = library.BertNormalizer;
