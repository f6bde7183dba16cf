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
import { isScanSettings, type ScanSettings } from "./scan-settings.ts";

export interface ClassifierFile {
  readonly version: 1;
  readonly task_type: Recipe["task_type"];
  readonly problem_type: Recipe["problem_type"];
  /** In the order of the head's outputs. */
  readonly labels: readonly string[];
  /** The least probability of each label, with several a row; of the positive one of two; null: the most probable one is given. */
  readonly thresholds: Readonly<Record<string, number>> | null;
  /** What logits, or log-probabilities of answers, are divided by; null: nothing. */
  readonly temperature: number | null;
  /** Of two labels, the one that the threshold and scores are about; null or none: the second. */
  readonly positive_label?: string | null;
  /** [true label][label given], in the order of the labels: the one with the least expected cost is given. */
  readonly costs?: readonly (readonly number[])[] | null;
  /** What temperature, thresholds and costs were chosen on. */
  readonly chosen_on?: ChosenOn | null;
  readonly head: HeadOptions | null;
  /** How rows become texts. */
  readonly template: TemplateOptions;
  readonly columns: Recipe["data"]["columns"];
  /** sha256 of the chat template that the model was trained with. */
  readonly template_sha256: string | null;
  /** What it scans; null or none: the recipe does not say. */
  readonly scan?: ScanSettings | null;
}

/** Metrics of the rows that a choice was made on, without it and with it; null: not defined. */
export interface ChosenOn {
  /** `validation`, or the files given. */
  readonly data: string;
  /** `fettle calibrate`, which has the last word where training ends once more; none: the training itself. */
  readonly by?: "calibrate";
  readonly rows: number;
  readonly before: Readonly<Record<string, number | null>>;
  readonly after: Readonly<Record<string, number | null>>;
}

const FILE = "classifier.json";
const MAX_BYTES = 2 ** 24;

export function writeClassifier(folder: string, classifier: ClassifierFile): void {
  writeFileAtomic(join(folder, FILE), `${JSON.stringify(classifier, null, 2)}\n`);
}

/** Undefined where there is none. @throws UserError when it is damaged or of a version that is not known */
export function readClassifier(folder: string): ClassifierFile | undefined {
  const path = join(folder, FILE);
  if (!existsSync(path)) return undefined;
  const json = parseJsonObject(readTextFile(path, MAX_BYTES), path);
  const { version, labels, thresholds, temperature, costs, task_type: task, scan } = json;
  const named = Array.isArray(labels) && labels.every((name) => typeof name === "string");
  const decides =
    isThresholds(thresholds) && (temperature === null || isPositive(temperature)) && isCosts(costs, labels);
  const scans = (scan ?? null) === null || isScanSettings(scan);
  if (version === 1 && named && typeof task === "string" && decides && scans) return json as unknown as ClassifierFile;
  throw new UserError({
    code: "classifier/damaged",
    message: `${FILE} is not one that this Fettle reads`,
    where: path,
    fix: "take the folder as it was written, or use the Fettle that wrote it",
  });
}

function isThresholds(value: unknown): boolean {
  if (value === null) return true;
  return typeof value === "object" && Object.values(value as object).every((each) => Number.isFinite(each));
}

function isPositive(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}

/** One number for each pair of labels. */
function isCosts(value: unknown, labels: unknown): boolean {
  if (value === null || value === undefined) return true;
  const wide = (row: unknown): boolean =>
    Array.isArray(row) && row.length === (labels as unknown[]).length && row.every((each) => Number.isFinite(each));
  return Array.isArray(labels) && Array.isArray(value) && value.length === labels.length && value.every(wide);
}
