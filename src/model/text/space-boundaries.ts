import { isJsonObject, type JsonObject } from "../files/json-file.ts";
import type { PreTokenizer } from "./pre-tokenizer.ts";

const SPACE = "▁";

/**
 * A sentencepiece-style BPE without a pre-tokenizer (Gemma) treats a whole text as one piece, which no cache can help.
 * But where no merge result holds the character pair `x▁`, no merge ever crosses that place, so cutting there changes
 * nothing: the text may be split before each ▁ whose predecessor never stands before ▁ inside a token.
 */
export function isolateSpaces(preTokenizer: PreTokenizer, model: JsonObject): PreTokenizer {
  const { merges, vocab, ignore_merges } = model;
  if (preTokenizer.byteLevel || !Array.isArray(merges) || ignore_merges === true) return preTokenizer;
  // An unknown ▁ could be fused with unknown characters before it.
  if (!isJsonObject(vocab) || !Object.hasOwn(vocab, SPACE)) return preTokenizer;
  const joined = new Set<number>();
  for (const merge of merges) {
    const token = Array.isArray(merge) ? merge.join("") : String(merge).replace(" ", "");
    for (let at = token.indexOf(SPACE, 1); at > 0; at = token.indexOf(SPACE, at + 1))
      joined.add(token.charCodeAt(at - 1));
  }
  return {
    ...preTokenizer,
    split: (text, begin, end, emit) =>
      preTokenizer.split(text, begin, end, (from, to) => {
        let start = from;
        for (let at = text.indexOf(SPACE, from + 1); at > 0 && at < to; at = text.indexOf(SPACE, at + 1)) {
          if (joined.has(text.charCodeAt(at - 1))) continue;
          emit(start, at);
          start = at;
        }
        if (to > start) emit(start, to);
      }),
  };
}
