/**
 * `classifier.json` beside the weights of a classifier: what its answers depend on that neither PEFT's nor transformers'
 * files hold. With it an adapter or model folder is whole, wherever it is taken.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { HeadOptions, Recipe, TemplateOptions } from "../../base/recipe/recipe.ts";
import { writeFileAtomic } from "../../model/files/atomic.ts";
import { parseJsonObject, readTextFile } from "../../model/files/json-file.ts";

export interface ClassifierFile {
  readonly version: 1;
  readonly task_type: Recipe["task_type"];
  readonly problem_type: Recipe["problem_type"];
  /** In the order of the head's outputs. */
  readonly labels: readonly string[];
  /** With several labels a row: the least probability of each; null otherwise. */
  readonly thresholds: Readonly<Record<string, number>> | null;
  /** What logits are divided by; null: nothing. */
  readonly temperature: number | null;
  readonly head: HeadOptions | null;
  /** How rows become texts. */
  readonly template: TemplateOptions;
  readonly columns: Recipe["data"]["columns"];
  /** sha256 of the chat template that the model was trained with. */
  readonly template_sha256: string | null;
}

const FILE = "classifier.json";
const MAX_BYTES = 2 ** 24;

/** Of a label until another is chosen on validation rows. */
export const DEFAULT_THRESHOLD = 0.5;

export function writeClassifier(folder: string, classifier: ClassifierFile): void {
  writeFileAtomic(join(folder, FILE), `${JSON.stringify(classifier, null, 2)}\n`);
}

/** Undefined where there is none. @throws UserError when it is damaged or of a version that is not known */
export function readClassifier(folder: string): ClassifierFile | undefined {
  const path = join(folder, FILE);
  if (!existsSync(path)) return undefined;
  const json = parseJsonObject(readTextFile(path, MAX_BYTES), path);
  const { version, labels, thresholds } = json;
  const named = Array.isArray(labels) && labels.every((name) => typeof name === "string");
  if (version === 1 && named && typeof json.task_type === "string" && typeof thresholds === "object") {
    return json as unknown as ClassifierFile;
  }
  throw new UserError({
    code: "classifier/damaged",
    message: `${FILE} is not one that this Fettle reads`,
    where: path,
    fix: "take the folder as it was written, or use the Fettle that wrote it",
  });
}
