import { meanOf, type TextMetric } from "./text-metric.ts";

/** Share of answers that are the expected text, character for character, but for blanks around it. */
export const exactMatch: TextMetric = meanOf("exact_match", "exact match", (answer, expected) =>
  answer.trim() === expected.trim() ? 1 : 0,
);
