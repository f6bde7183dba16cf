import type { DataFormat } from "./data-format.ts";
import type { MetricForBestModel } from "./metric-names.ts";

/**
 * The recipe as code sees it: every option present, paths resolved. `schema.ts` holds what each option means, its
 * default and its range; the compiler checks that the two agree.
 */
export interface Recipe {
  /** Folder, or `ORG/NAME` or `ORG/NAME@REVISION` on the Hugging Face hub. */
  readonly base: string;
  readonly output: string;
  readonly seed: number;
  readonly device: "auto" | "reference" | "cpu" | "cuda";
  readonly precision: "auto" | "f32" | "bf16";
  readonly threads: "auto" | number;
  /** In bytes. */
  readonly memory_budget: "auto" | number;
  /** PEFT's: who answers, the model in its own words or a class head. */
  readonly task_type: "CAUSAL_LM" | "SEQ_CLS";
  /** transformers': one label a row, or a set of them. */
  readonly problem_type: "single_label_classification" | "multi_label_classification";
  /** Present exactly when `task_type` is SEQ_CLS. */
  readonly head?: HeadOptions | undefined;
  readonly method: "full" | "lora" | "qlora";
  readonly init: "pretrained" | "random";
  readonly warm_start: string | null;
  /** Present exactly when `method` is lora or qlora. */
  readonly lora?: LoraOptions | undefined;
  /** Present exactly when `method` is qlora. */
  readonly quantization?: QuantizationOptions | undefined;
  readonly data: DataOptions;
  readonly prepare: PrepareOptions;
  readonly template: TemplateOptions;
  readonly loss: LossOptions;
  readonly training: TrainingOptions;
  readonly packing: PackingOptions;
  readonly evaluation: EvaluationOptions;
  readonly scan: ScanOptions;
  readonly checkpoints: CheckpointOptions;
  readonly trackers: TrackerOptions;
  readonly cache: CacheOptions;
}

export interface LoraOptions {
  readonly r: number;
  readonly lora_alpha: number;
  readonly lora_dropout: number;
  /** `all-linear`, a list of names or name endings, or one regular expression over full module names. */
  readonly target_modules: string | readonly string[];
  /** The same of what is left out. */
  readonly exclude_modules: string | readonly string[] | null;
  readonly use_rslora: boolean;
  readonly use_dora: boolean;
  /** Ranks and alphas of modules whose name, or its ending, the key matches as an expression. */
  readonly rank_pattern: Readonly<Record<string, number>>;
  readonly alpha_pattern: Readonly<Record<string, number>>;
  /** Indices of the layers that have an adapter; null: all. */
  readonly layers_to_transform: readonly number[] | null;
  /** Name of the list that the layers stand in, where a model has several. */
  readonly layers_pattern: string | readonly string[] | null;
  readonly bias: "none" | "all" | "lora_only";
}

/** What lies between the last token's hidden state and the labels' scores. */
export interface HeadOptions {
  /** Width of a dense layer, or of several, from below; null: none, as in transformers' models. */
  readonly dense: number | readonly number[] | null;
  readonly activation: "gelu" | "relu" | "silu";
  /** Of each dense layer's outputs. */
  readonly dropout: number;
}

export interface LossOptions {
  readonly focal: FocalOptions | null;
  readonly class_weights: "balanced" | Readonly<Record<string, number>> | null;
  /** Field of the row. */
  readonly sample_weight: string | null;
  readonly label_smoothing_factor: number;
}

export interface FocalOptions {
  readonly gamma: number;
  readonly alpha: number | Readonly<Record<string, number>> | null;
}

export interface QuantizationOptions {
  readonly type: "nf4";
  readonly block_size: number;
  readonly double_quant: boolean;
}

/** One file or several, read in the order given. */
export type Paths = string | readonly string[];

/** A part of the training set, with each label's share, drawn by the seed. */
export interface Fraction {
  readonly fraction: number;
}

export interface DataOptions {
  readonly train: Paths | null;
  readonly validation: Paths | Fraction | null;
  readonly test: Paths | Fraction | null;
  readonly format: "auto" | DataFormat;
  readonly header: "auto" | boolean;
  /** Our name for a field -> the file's name for it, or its position in a CSV file. */
  readonly columns: Readonly<Record<string, string | number>>;
  /** Names in order, or the file's value -> name; null: collected from the training set. */
  readonly labels: readonly string[] | Readonly<Record<string, string>> | null;
  /** Of Label Studio's exports, in tasks that several people labelled. */
  readonly annotators: "majority" | "first" | "refuse";
  /** Of Label Studio's exports: `from_name` of the labels. */
  readonly control: string | null;
  readonly limit: number | null;
}

/** What is done to the rows between reading and encoding them. */
export interface PrepareOptions {
  readonly exact_duplicates: "ignore" | "report" | "drop";
  readonly conflicting_labels: "ignore" | "report" | "drop" | "refuse";
  readonly near_duplicates: "ignore" | "report" | "drop";
  /** Jaccard similarity of near-duplicates. */
  readonly near_threshold: number;
  /** Fields whose values keep rows together; `auto`: those that are known to name a group. */
  readonly group_by: "auto" | readonly string[];
  readonly leakage: Readonly<Record<"exact" | "near" | "group", LeakageAction>>;
  readonly balance: "none" | "oversample" | "undersample" | "square_root";
}

export type LeakageAction = "ignore" | "report" | "drop" | "refuse";

export interface TemplateOptions {
  readonly system: string | null;
  readonly user: string | null;
  readonly assistant: string | null;
  readonly text: string | null;
  readonly chat_template_kwargs: Readonly<Record<string, unknown>>;
  /** What is left of the white space in the rows' texts; absent in what older versions wrote: keep. */
  readonly whitespace?: "keep" | "collapse" | "delete";
  /** Fields that this is about; null: those of the text or the user's message. */
  readonly whitespace_fields?: readonly string[] | null;
  readonly max_length: "auto" | number;
  readonly too_long: "cut" | "skip" | "refuse";
  readonly cut_field: string;
}

export interface TrainingOptions {
  readonly num_train_epochs: number;
  readonly max_steps: number | null;
  readonly batch_size: number;
  readonly gradient_accumulation_steps: number;
  readonly learning_rate: number;
  readonly lr_scheduler_type: "linear" | "cosine" | "constant";
  readonly warmup_steps: number;
  readonly warmup_ratio: number;
  readonly weight_decay: number;
  readonly adam_beta1: number;
  readonly adam_beta2: number;
  readonly adam_epsilon: number;
  readonly max_grad_norm: number;
  readonly optim: "adamw" | "adamw_8bit" | "paged_adamw_32bit" | "paged_adamw_8bit";
  readonly loss_on: "assistant" | "all";
  readonly recompute: "none" | "full" | "auto";
  readonly zero_stage: 0 | 1 | 2;
  readonly logging_steps: number;
  readonly shuffle: boolean;
}

export interface PackingOptions {
  readonly enabled: boolean;
  readonly share_prompts: boolean;
  readonly supervised_rows_only: boolean;
  readonly max_tokens: "auto" | number;
}

export interface EvaluationOptions {
  readonly eval_steps: number | "epoch" | null;
  readonly eval_samples: number | null;
  readonly metric_for_best_model: MetricForBestModel;
  readonly early_stopping: EarlyStopping | null;
  readonly load_best_model_at_end: boolean;
  readonly positive_label: string | null;
  readonly calibration: "temperature" | null;
  readonly threshold: ThresholdOptions | null;
}

export interface ThresholdOptions {
  readonly choose: "f1" | "recall_at_precision" | "cost";
  readonly min_precision: number;
  readonly false_positive: number;
  readonly false_negative: number;
  /** True label -> label given -> cost. */
  readonly cost_matrix: Readonly<Record<string, Readonly<Record<string, number>>>> | null;
}

export interface EarlyStopping {
  readonly patience: number;
  readonly threshold: number;
}

/** What `fettle scan` does with the trained classifier. */
export interface ScanOptions {
  /** Patterns; null: it scans nothing. */
  readonly files: readonly string[] | null;
  readonly unit: "file" | "function";
  /** Holds `{text}`. */
  readonly text: string;
  readonly taxonomy: string | null;
  readonly clean: readonly string[] | null;
}

export interface CheckpointOptions {
  readonly save_steps: number | "epoch" | null;
  readonly save_total_limit: number;
}

/** Who else is told of the run while it trains; those that are absent are not. */
export interface TrackerOptions {
  readonly tensorboard?: TensorBoardOptions | undefined;
  readonly mlflow?: MlflowOptions | undefined;
  readonly wandb?: WandbOptions | undefined;
}

export interface TensorBoardOptions {
  readonly folder: string | null;
}

export interface MlflowOptions {
  readonly uri: string;
  readonly experiment: string;
}

export interface WandbOptions {
  readonly project: string;
  readonly entity: string | null;
  readonly name: string | null;
  readonly mode: "offline" | "online";
  readonly tags: readonly string[];
}

export interface CacheOptions {
  readonly models: string | null;
  readonly kernels: string | null;
}
