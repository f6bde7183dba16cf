import { commonF1 } from "./common-f1.ts";
import { meanOf, type TextMetric } from "./text-metric.ts";

/** Quotation marks and brackets that KorQuAD's evaluation takes for blanks. */
const MARKS = /['"《》<>〈〉()‘’]/g;
/** Python's `string.punctuation`. */
const PUNCTUATION = /[!-/:-@[-`{-~]/g;

/**
 * F1 of characters, blanks left out, averaged over rows, as KorQuAD 1.0 is evaluated (Lim, Kim and Lee 2019): Korean words
 * carry particles, so that a right answer with another particle shares no word with the expected one.
 */
export const charF1: TextMetric = meanOf("char_f1", "character F1 (KorQuAD)", (answer, expected) =>
  commonF1(characters(answer), characters(expected)),
);

function characters(text: string): string[] {
  return [...text.replace(MARKS, " ").toLowerCase().replace(PUNCTUATION, "").replace(/\s+/g, "")];
}
