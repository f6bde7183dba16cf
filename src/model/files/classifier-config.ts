/** What config.json of a `...ForSequenceClassification` checkpoint says about its labels, by transformers' names. */
import { UserError } from "../../base/errors.ts";
import type { ConfigJson } from "./config.ts";
import type { JsonValue } from "./json-file.ts";

export type ProblemType = "single_label_classification" | "multi_label_classification";

/** Of a model with a head, or of one without (`BertModel`). */
const SUFFIX = /(For[A-Z]\w*|Model)$/;
const CLASSIFIER = "ForSequenceClassification";

export function isClassifier(config: ConfigJson): boolean {
  return (config.optionalStrings("architectures") ?? []).some((name) => name.endsWith(CLASSIFIER));
}

/**
 * The labels of a classifier in order, undefined where it names none.
 * @throws UserError when id2label is not a map from 0, 1, … to names
 */
export function classifierLabels(config: ConfigJson): readonly string[] | undefined {
  const section = isClassifier(config) ? config.optionalSection("id2label") : undefined;
  if (section === undefined) return undefined;
  const names = Object.keys(section.json).map((_, i) => section.optionalString(String(i)));
  if (names.length === 0 || names.some((name) => name === undefined) || new Set(names).size < names.length) {
    throw new UserError({
      code: "config/wrong-value",
      message: '"id2label" must give a name of its own to each of 0, 1, …',
      where: config.where,
      fix: "correct the key, or download the file again",
    });
  }
  const given = names as string[];
  return given.every((name, i) => name === `LABEL_${i}`) ? undefined : given;
}

/** Keys that make a language model's config.json a classifier's. */
export function classifierKeys(
  config: ConfigJson,
  labels: readonly string[],
  problemType: ProblemType,
  padToken: number | undefined,
): Record<string, JsonValue> {
  const architectures = (config.optionalStrings("architectures") ?? []).map((name) =>
    // The text model's classifier is not named as its language model is.
    name.replace(SUFFIX, CLASSIFIER).replace(/^Gemma3For/, "Gemma3TextFor"),
  );
  return {
    architectures,
    id2label: Object.fromEntries(labels.map((name, i) => [String(i), name])),
    label2id: Object.fromEntries(labels.map((name, i) => [name, i])),
    problem_type: problemType,
    // transformers reads a text at its last token that is not this one.
    ...(padToken !== undefined && { pad_token_id: padToken }),
  };
}
