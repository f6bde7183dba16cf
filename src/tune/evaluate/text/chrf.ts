import type { TextMetric } from "./text-metric.ts";

const ORDERS = 6;
/** Recall counts beta times as much as precision. */
const BETA = 2;

/**
 * chrF2 (Popović 2015, 2016) as sacrebleu computes it for a corpus by default: F-score of character 1- to 6-grams without
 * blanks, word order 0. Counts of n-grams are added up over rows; precision and recall are averaged over the orders that both
 * sides have. sacrebleu's number is a hundred times this one.
 */
export const chrf: TextMetric = {
  name: "chrf",
  title: "chrF",
  count(answer, expected) {
    const [given, wanted] = [charactersOf(answer), charactersOf(expected)];
    return Array.from({ length: ORDERS }, (_, i) => countOrder(given, wanted, i + 1)).flat();
  },
  value(counts) {
    let [precision, recall, orders] = [0, 0, 0];
    for (let order = 0; order < ORDERS; order++) {
      const [given = 0, wanted = 0, matched = 0] = counts.slice(3 * order, 3 * order + 3);
      if (given === 0 || wanted === 0) continue;
      precision += matched / given;
      recall += matched / wanted;
      orders++;
    }
    if (precision + recall === 0) return 0;
    const factor = BETA ** 2;
    return ((1 + factor) * precision * recall) / orders / (factor * precision + recall);
  },
};

function charactersOf(text: string): string[] {
  return [...text.replace(/\s+/g, "")];
}

/** N-grams of the answer (0 where the expected text has none), of the expected text, and of both. */
function countOrder(given: readonly string[], wanted: readonly string[], order: number): number[] {
  const left = new Map<string, number>();
  for (const gram of grams(wanted, order)) left.set(gram, (left.get(gram) ?? 0) + 1);
  if (left.size === 0) return [0, 0, 0];
  let [all, matched] = [0, 0];
  for (const gram of grams(given, order)) {
    all++;
    const times = left.get(gram) ?? 0;
    if (times === 0) continue;
    left.set(gram, times - 1);
    matched++;
  }
  return [all, wanted.length - order + 1, matched];
}

function* grams(characters: readonly string[], order: number): Generator<string> {
  for (let i = 0; i + order <= characters.length; i++) yield characters.slice(i, i + order).join("");
}
