import { extname } from "node:path";
import { isDatasetPath } from "../dataset-name.ts";
import type { Fraction, Paths, Recipe, ThresholdOptions } from "./recipe.ts";
import type { OptionPath } from "./source.ts";

/** Options that are right one by one and impossible together. */
export interface Conflict {
  /** The option to point at. */
  readonly path: OptionPath;
  readonly message: string;
  readonly fix: string;
}

/** What a recipe is loaded for; scoring needs no training set. */
export type Purpose = "train" | "evaluate";

interface Rule {
  readonly path: OptionPath;
  readonly broken: (recipe: Recipe, purpose: Purpose) => boolean;
  readonly message: string | ((recipe: Recipe) => string);
  readonly fix: string;
}

const rules: readonly Rule[] = [
  {
    path: ["trackers", "wandb", "mode"],
    broken: ({ trackers }) => trackers.wandb?.mode === "online",
    message: "trackers.wandb.mode online: Fettle does not send to W&B while it trains",
    fix: "take mode offline, and run wandb sync on the folder that the run tells of",
  },
  {
    path: ["lora"],
    broken: (recipe) => recipe.method === "full" && recipe.lora !== undefined,
    message: "a lora section with method full, which has no adapter",
    fix: "remove the section, or take method lora or qlora",
  },
  {
    path: ["lora", "layers_pattern"],
    broken: ({ lora }) => lora !== undefined && lora.layers_pattern !== null && lora.layers_to_transform === null,
    message: "lora.layers_pattern without lora.layers_to_transform, whose numbers it is about",
    fix: "remove it, or list the layers in lora.layers_to_transform",
  },
  {
    path: ["training", "zero_stage"],
    broken: ({ method, training }) => method !== "full" && training.zero_stage > 0,
    message: "training.zero_stage divides states and gradients of full fine-tuning; those of an adapter are small",
    fix: "remove it, or take method full",
  },
  {
    path: ["head"],
    broken: (recipe) => recipe.task_type === "CAUSAL_LM" && recipe.head !== undefined,
    message: "a head section with task_type CAUSAL_LM, which has no class head",
    fix: "remove the section, or take task_type SEQ_CLS",
  },
  {
    path: ["template", "assistant"],
    broken: ({ task_type, template }) => task_type === "SEQ_CLS" && template.assistant !== null,
    message: "template.assistant with task_type SEQ_CLS, whose class head writes no answer",
    fix: "remove it, or take task_type CAUSAL_LM",
  },
  {
    path: ["training", "loss_on"],
    broken: ({ task_type, training }) => task_type === "SEQ_CLS" && training.loss_on === "all",
    message: "training.loss_on all with task_type SEQ_CLS, which learns no tokens",
    fix: "remove it, or take task_type CAUSAL_LM",
  },
  {
    path: ["template", "user"],
    broken: ({ task_type, problem_type, template }) =>
      task_type === "CAUSAL_LM" &&
      problem_type === "multi_label_classification" &&
      !(template.user ?? "").includes("{label}"),
    message: "with several labels a row, the model is asked about each label in turn, and template.user has no {label}",
    fix: 'end it with a question such as "Does this hold: {label}? Answer yes or no.", or take task_type SEQ_CLS',
  },
  {
    path: ["data", "labels"],
    broken: ({ problem_type, data }) =>
      problem_type === "single_label_classification" && data.labels !== null && labelCount(data.labels) < 2,
    message: "data.labels has a single label, which leaves nothing to tell apart",
    fix: "list all labels, or take problem_type multi_label_classification",
  },
  {
    path: ["loss", "focal", "alpha"],
    broken: ({ loss }) => loss.class_weights !== null && (loss.focal?.alpha ?? null) !== null,
    message: "loss.focal.alpha and loss.class_weights are two ways to weigh labels",
    fix: "remove one of the two",
  },
  {
    path: ["quantization"],
    broken: (recipe) => recipe.method !== "qlora" && recipe.quantization !== undefined,
    message: (recipe) => `a quantization section with method ${recipe.method}, whose base is not quantized`,
    fix: "remove the section, or take method qlora",
  },
  {
    path: ["memory_budget"],
    broken: ({ device, memory_budget }) => memory_budget !== "auto" && (device === "cpu" || device === "reference"),
    message: (recipe) => `memory_budget is about the GPU's memory, and device is ${recipe.device}`,
    fix: "remove it, or take device cuda or auto",
  },
  {
    path: ["init"],
    broken: (recipe) => recipe.init === "random" && recipe.method !== "full",
    message: "an adapter over random weights learns nothing of use",
    fix: "take method full with init random",
  },
  {
    path: ["warm_start"],
    broken: (recipe) => recipe.init === "random" && recipe.warm_start !== null,
    message: "warm_start gives weights, and init random asks for random ones",
    fix: "remove one of the two",
  },
  {
    path: ["warm_start"],
    broken: (recipe) => recipe.method === "full" && recipe.warm_start !== null,
    message: "warm_start takes over an adapter, and method full has none",
    fix: "set base to the model folder of the run to start from",
  },
  {
    path: ["data", "train"],
    broken: (recipe, purpose) => purpose === "train" && recipe.data.train === null,
    message: "no training data",
    fix: "name a file in data.train",
  },
  {
    path: ["data", "header"],
    broken: ({ data }) => data.header !== "auto" && ["jsonl", "json", "text"].includes(data.format),
    message: (recipe) => `data.header is about CSV and TSV, and data.format is ${recipe.data.format}`,
    fix: "remove one of the two",
  },
  {
    path: ["data", "validation"],
    broken: ({ data }) => shared(data.train, data.validation),
    message: "a file of data.train is also in data.validation, so that validation would measure memory",
    fix: "take another file, or {fraction: 0.1}",
  },
  {
    path: ["data", "test"],
    broken: ({ data }) => shared(data.train, data.test) || shared(data.validation, data.test),
    message: "a file of data.test is also used in training",
    fix: "take another file",
  },
  {
    path: ["data", "test"],
    broken: ({ data }) => fractionOf(data.validation) + fractionOf(data.test) >= 1,
    message: "the fractions of data.validation and data.test leave nothing to train on",
    fix: "take smaller ones",
  },
  {
    path: ["template", "whitespace_fields"],
    broken: ({ template }) => (template.whitespace_fields ?? null) !== null && template.whitespace === "keep",
    message: "template.whitespace_fields with whitespace keep, which changes nothing",
    fix: "remove it, or take whitespace collapse or delete",
  },
  {
    path: ["prepare", "balance"],
    broken: ({ problem_type, prepare }) => problem_type === "multi_label_classification" && prepare.balance !== "none",
    message: "prepare.balance is about rows with one label each",
    fix: "remove it; loss.class_weights: balanced weighs the labels of rows with several",
  },
  {
    path: ["template", "text"],
    broken: ({ template }) =>
      template.text !== null && (template.system ?? template.user ?? template.assistant) !== null,
    message: "template.text is for plain text and stands alone; system, user and assistant make a conversation",
    fix: "remove one or the other",
  },
  {
    path: ["template", "cut_field"],
    broken: ({ template }) => template.cut_field !== "auto" && template.too_long !== "cut",
    message: (recipe) => `template.cut_field with too_long ${recipe.template.too_long}, which cuts nothing`,
    fix: "remove it, or take too_long cut",
  },
  {
    path: ["template", "cut_field"],
    broken: ({ template }) => template.cut_field === "label",
    message: "the label is never cut",
    fix: "name the field that holds the document",
  },
  {
    path: ["training", "warmup_ratio"],
    broken: ({ training }) => training.warmup_steps > 0 && training.warmup_ratio > 0,
    message: "warmup_steps and warmup_ratio are two ways to say the same",
    fix: "remove one of the two",
  },
  {
    path: ["training", "lr_scheduler_type"],
    broken: ({ training }) => training.max_steps !== null && training.warmup_steps >= training.max_steps,
    message: "warmup_steps is not below max_steps, so that the learning rate would never reach its height",
    fix: "shorten the warm-up",
  },
  {
    path: ["evaluation", "eval_steps"],
    broken: ({ data, evaluation }) => evaluation.eval_steps !== null && data.validation === null,
    message: "evaluation while training needs a validation set",
    fix: "name a file in data.validation, or give {fraction: 0.1}",
  },
  {
    path: ["evaluation", "early_stopping"],
    broken: ({ evaluation }) => evaluation.early_stopping !== null && evaluation.eval_steps === null,
    message: "early stopping goes by evaluations, and evaluation.eval_steps is off",
    fix: "set evaluation.eval_steps",
  },
  {
    path: ["evaluation", "load_best_model_at_end"],
    broken: ({ evaluation }) => evaluation.load_best_model_at_end && evaluation.eval_steps === null,
    message: "the best checkpoint is found by evaluations, and evaluation.eval_steps is off",
    fix: "set evaluation.eval_steps",
  },
  {
    path: ["evaluation", "calibration"],
    broken: ({ data, evaluation }) => evaluation.calibration !== null && data.validation === null,
    message: "a temperature is fitted on validation rows, and there is no validation set",
    fix: "name a file in data.validation, or give {fraction: 0.1}",
  },
  {
    path: ["evaluation", "threshold"],
    broken: ({ data, evaluation }) => evaluation.threshold !== null && data.validation === null,
    message: "a threshold is chosen on validation rows, and there is no validation set",
    fix: "name a file in data.validation, or give {fraction: 0.1}",
  },
  {
    path: ["evaluation", "threshold", "cost_matrix"],
    broken: ({ evaluation: { threshold } }) => threshold !== null && isIdleMatrix(threshold),
    message: "cost_matrix is for choose cost",
    fix: "take choose cost, or remove the matrix",
  },
  {
    path: ["evaluation", "threshold", "cost_matrix"],
    broken: ({ problem_type, evaluation: { threshold } }) =>
      problem_type === "multi_label_classification" && threshold !== null && threshold.cost_matrix !== null,
    message: "a cost matrix is about one label in place of another, and rows have several",
    fix: "give false_positive and false_negative",
  },
  {
    path: ["evaluation", "positive_label"],
    broken: ({ problem_type, evaluation: { positive_label } }) =>
      problem_type === "multi_label_classification" && positive_label !== null,
    message: "with several labels a row each is positive or not by itself",
    fix: "remove positive_label",
  },
  {
    path: ["scan", "clean"],
    broken: ({ problem_type, scan }) => problem_type === "multi_label_classification" && scan.clean !== null,
    message: "with several labels a row, a text without any is clean, and no label says so",
    fix: "remove scan.clean",
  },
  {
    path: ["scan"],
    broken: ({ scan }) => scan.files === null && (scan.taxonomy !== null || scan.clean !== null),
    message: "a scan section that does not say which files the model is for",
    fix: 'list them in scan.files, such as ["*.java"]',
  },
];

/** Every impossible combination in a recipe whose options are valid one by one. */
export function findConflicts(recipe: Recipe, purpose: Purpose): readonly Conflict[] {
  return rules
    .filter((rule) => rule.broken(recipe, purpose))
    .map(({ path, message, fix }) => ({ path, fix, message: typeof message === "string" ? message : message(recipe) }));
}

/** The files an option names; none for a fraction. */
export function pathList(paths: Paths | Fraction | null): readonly string[] {
  if (paths === null || isFraction(paths)) return [];
  return typeof paths === "string" ? [paths] : paths;
}

/** Whether a set is a part of the training set. */
export function isFraction(paths: Paths | Fraction | null): paths is Fraction {
  return typeof paths === "object" && paths !== null && "fraction" in paths;
}

function fractionOf(paths: Paths | Fraction | null): number {
  return isFraction(paths) ? paths.fraction : 0;
}

function isIdleMatrix({ choose, cost_matrix: matrix }: ThresholdOptions): boolean {
  return matrix !== null && choose !== "cost";
}

function labelCount(labels: NonNullable<Recipe["data"]["labels"]>): number {
  return new Set(Object.values(labels)).size;
}

/** An archive, a folder or a data set of the hub may be named for each of its parts: what is in it decides, later. */
function shared(a: Paths | Fraction | null, b: Paths | Fraction | null): boolean {
  const files = new Set(pathList(a).filter((path) => !mayHoldParts(path)));
  return pathList(b).some((file) => files.has(file));
}

function mayHoldParts(path: string): boolean {
  return isDatasetPath(path) || extname(path) === "" || /\.(tar|tgz|tar\.\w+)$/i.test(path);
}
