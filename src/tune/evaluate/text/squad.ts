import { commonF1 } from "./common-f1.ts";
import { meanOf, type TextMetric } from "./text-metric.ts";

/** Python's `string.punctuation`. */
const PUNCTUATION = /[!-/:-@[-`{-~]/g;
/** An article that is a word: letters, digits and the underscore of any script make words. */
const ARTICLES = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;

/**
 * Lower case, without punctuation and English articles, blanks as single spaces: `normalize_answer` of SQuAD's evaluation
 * (Rajpurkar et al. 2016, evaluate-v1.1.py and -v2.0.py).
 */
export function squadNormalised(text: string): string {
  return words(text.toLowerCase().replace(PUNCTUATION, "").replace(ARTICLES, " ")).join(" ");
}

/** SQuAD's exact match: equal once both are normalised. */
export const squadExactMatch: TextMetric = meanOf("squad_exact_match", "exact match (SQuAD)", (answer, expected) =>
  squadNormalised(answer) === squadNormalised(expected) ? 1 : 0,
);

/** SQuAD's F1: that of the words of normalised texts, averaged over rows. */
export const tokenF1: TextMetric = meanOf("token_f1", "token F1 (SQuAD)", (answer, expected) =>
  commonF1(words(squadNormalised(answer)), words(squadNormalised(expected))),
);

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
