/**
 * Where options are declared, with the schemas beside it, once each: type, default, range and a sentence. The check of a
 * recipe, the JSON Schema for editors and the tables of the documentation come from here. Names are those of Hugging Face's
 * TrainingArguments and PEFT's LoraConfig wherever they have one; `null` always means "off" or "not given".
 */
import { z } from "zod";
import { head, loss } from "./classifier-schema.ts";
import { data, template } from "./data-schema.ts";
import { evaluation } from "./evaluation-schema.ts";
import { byteCount, count, path, unitInterval } from "./option-kinds.ts";
import { prepare } from "./prepare-schema.ts";
import type {
  CacheOptions,
  CheckpointOptions,
  LoraOptions,
  PackingOptions,
  QuantizationOptions,
  Recipe,
  TrainingOptions,
} from "./recipe.ts";
import { scan } from "./scan-schema.ts";
import { trackers } from "./tracker-schema.ts";

const beta = z.number().min(0).lt(1);
const rank = z.int().min(1).max(4096);
const alpha = z.number().positive();
const name = z.string().min(1);

const lora: z.ZodType<LoraOptions> = z.strictObject({
  r: rank.default(16).describe("Rank of the adapter's two factors."),
  lora_alpha: alpha.default(32).describe("Scale: the adapter's product is multiplied by lora_alpha / r."),
  lora_dropout: z.number().min(0).lt(1).default(0).describe("Share of the adapter's inputs dropped in training."),
  target_modules: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)], {
      error: 'expected "all-linear", a list of names, or a regular expression',
    })
    .default("all-linear")
    .describe("Which linear layers get an adapter: all-linear, a list of names or endings, or a regular expression."),
  exclude_modules: z
    .union([name, z.array(name).min(1)], { error: "expected a list of names, or a regular expression" })
    .nullable()
    .default(null)
    .describe("Which of these get none: a list of names or endings, or a regular expression."),
  use_rslora: z
    .boolean()
    .default(false)
    .describe("Rank-stabilised LoRA: the scale is lora_alpha / sqrt(r), for high ranks."),
  use_dora: z
    .boolean()
    .default(false)
    .describe("DoRA: rows of the adapted weight keep their direction, and their lengths are trained apart; slower."),
  rank_pattern: z
    .record(name, rank)
    .default({})
    .describe("Module -> its rank in place of r; a module is a name, an ending or a regular expression."),
  alpha_pattern: z
    .record(name, alpha)
    .default({})
    .describe("Module -> its alpha in place of lora_alpha; modules as in rank_pattern."),
  layers_to_transform: z
    .array(z.int().min(0))
    .min(1)
    .nullable()
    .default(null)
    .describe("Numbers of the layers, from 0, that get an adapter; null is all of them."),
  layers_pattern: z
    .union([name, z.array(name).min(1)], { error: "expected a name or a list of names" })
    .nullable()
    .default(null)
    .describe("What the list of layers is called in module names, such as layers; null takes the first number there."),
  bias: z
    .enum(["none", "all", "lora_only"])
    .default("none")
    .describe("Biases trained beside the adapter: none, all of the model, or those of adapted layers."),
});

const quantization: z.ZodType<QuantizationOptions> = z.strictObject({
  type: z.enum(["nf4"]).default("nf4").describe("Data type of the frozen weights."),
  block_size: z
    .union([z.literal(32), z.literal(64), z.literal(128), z.literal(256)], { error: "expected 32, 64, 128 or 256" })
    .default(64)
    .describe("Weights that share one scale."),
  double_quant: z.boolean().default(true).describe("Store the scales themselves in 8 bits."),
});

const training: z.ZodType<TrainingOptions> = z.strictObject({
  num_train_epochs: z.number().positive().default(1).describe("Passes over the training set; may be a fraction."),
  max_steps: count
    .nullable()
    .default(null)
    .describe("Stop after this many optimizer steps; overrides num_train_epochs."),
  batch_size: count.default(16).describe("Examples per forward pass."),
  gradient_accumulation_steps: count.default(1).describe("Forward passes per optimizer step."),
  learning_rate: z.number().positive().max(10).default(2e-4).describe("Highest learning rate."),
  lr_scheduler_type: z.enum(["linear", "cosine", "constant"]).default("linear").describe("Course after the warm-up."),
  warmup_steps: z.int().min(0).default(0).describe("Steps of linear warm-up."),
  warmup_ratio: unitInterval.default(0).describe("Warm-up as a share of all steps, in place of warmup_steps."),
  weight_decay: unitInterval.default(0).describe("Decoupled weight decay of AdamW."),
  adam_beta1: beta.default(0.9).describe("Decay of the first moment."),
  adam_beta2: beta.default(0.999).describe("Decay of the second moment."),
  adam_epsilon: z.number().positive().default(1e-8).describe("Added to the denominator of AdamW."),
  max_grad_norm: z.number().min(0).default(1).describe("Gradients are clipped to this norm; 0 turns it off."),
  optim: z
    .enum(["adamw", "adamw_8bit", "paged_adamw_32bit", "paged_adamw_8bit"])
    .default("adamw")
    .describe("AdamW with f32 states, or with 8-bit block-wise ones; paged: on a GPU, states lie in host memory."),
  loss_on: z.enum(["assistant", "all"]).default("assistant").describe("Tokens that are learnt."),
  recompute: z
    .enum(["none", "full", "auto"])
    .default("auto")
    .describe("Layers computed again in the backward pass to save memory: none, all, or as little as fits."),
  zero_stage: z
    .union([z.literal(0), z.literal(1), z.literal(2)], { error: "expected 0, 1 or 2" })
    .default(0)
    .describe("With several processes, what each keeps only a part of (ZeRO): 1 optimizer states, 2 and gradients."),
  logging_steps: count.default(10).describe("Steps between two logged losses."),
  shuffle: z.boolean().default(true).describe("A new order each epoch, drawn by the seed."),
});

const packing: z.ZodType<PackingOptions> = z.strictObject({
  enabled: z.boolean().default(true).describe("Lay examples one after the other instead of padding them."),
  share_prompts: z.boolean().default(true).describe("Compute the beginning that examples have in common once."),
  supervised_rows_only: z.boolean().default(true).describe("Vocabulary projection for the learnt rows only."),
  max_tokens: z
    .union([z.literal("auto"), z.int().min(16)], { error: "expected auto or a number of tokens" })
    .default("auto")
    .describe("Most tokens computed at once; auto: what is fastest of what fits the GPU, on the CPU by the model."),
});

const checkpoints: z.ZodType<CheckpointOptions> = z.strictObject({
  save_steps: z
    .union([count, z.literal("epoch")], { error: "expected a number of steps, epoch or null" })
    .nullable()
    .default(500)
    .describe("Write a checkpoint every so many steps, or at the end of each epoch; the last step always has one."),
  save_total_limit: count.default(2).describe("Newest checkpoints kept; the best one is kept besides."),
});

const cache: z.ZodType<CacheOptions> = z.strictObject({
  models: path
    .nullable()
    .default(null)
    .describe("Folder of models from the hub; null is HF_HUB_CACHE, by default ~/.cache/huggingface/hub."),
  kernels: path
    .nullable()
    .default(null)
    .describe(
      "Folder of compiled kernels, and of rows that do not fit memory; null is FETTLE_CACHE, by default ~/.cache/fettle.",
    ),
});

/** Options by section; sections that only some methods have are optional, all others are filled with defaults. */
export const recipeSchema: z.ZodType<Recipe> = z
  .strictObject({
    base: path.describe(
      "Base model: a folder, relative to the recipe file, or ORG/NAME[@revision] on the Hugging Face hub.",
    ),
    output: path.default("auto").describe("Run folder, relative to the working directory; auto is runs/<recipe name>."),
    seed: z.int().min(0).default(42).describe("Seed of every random draw."),
    device: z
      .enum(["auto", "reference", "cpu", "cuda"])
      .default("auto")
      .describe("Where tensors live and kernels run."),
    precision: z.enum(["auto", "f32", "bf16"]).default("auto").describe("Number format of the matrix products."),
    threads: z
      .union([z.literal("auto"), count], { error: "expected auto or a number of threads" })
      .default("auto")
      .describe("CPU threads; auto takes every core."),
    memory_budget: byteCount
      .prefault("auto")
      .describe("Most memory of the GPU to take, such as 20GiB; auto takes what is free, less a reserve."),
    task_type: z
      .enum(["CAUSAL_LM", "SEQ_CLS"])
      .default("CAUSAL_LM")
      .describe("Who answers: the model in its own words (CAUSAL_LM), or a class head on the last token (SEQ_CLS)."),
    problem_type: z
      .enum(["single_label_classification", "multi_label_classification"])
      .default("single_label_classification")
      .describe("Whether rows have one label each, or a list of labels."),
    head: head.optional().describe("The class head; for the task type SEQ_CLS."),
    method: z.enum(["full", "lora", "qlora"]).default("lora").describe("What is trained, and over what kind of base."),
    init: z
      .enum(["pretrained", "random"])
      .default("pretrained")
      .describe("Start from the base's weights, or from random ones of the same shape (pre-training)."),
    warm_start: path
      .nullable()
      .default(null)
      .describe("Adapter whose weights training starts from: its folder or run, or ORG/NAME[@revision] on the hub."),
    lora: lora.optional().describe("The adapter; for the methods lora and qlora."),
    quantization: quantization.optional().describe("The 4-bit base; for the method qlora."),
    data: data.prefault({}).describe("Files, and what their fields mean."),
    prepare: prepare.prefault({}).describe("What is done about copies, leaks and shares of rows."),
    template: template.prefault({}).describe("How a row becomes a conversation."),
    loss: loss.prefault({}).describe("What is minimised, and what rows count in it."),
    training: training.prefault({}).describe("The optimizer and its schedule."),
    packing: packing.prefault({}).describe("Savings that do not change the result."),
    evaluation: evaluation
      .prefault({})
      .describe("Looking at the validation set: while training, and at the end to choose how probabilities are read."),
    scan: scan.prefault({}).describe("What the trained classifier looks for in a tree of files, with fettle scan."),
    checkpoints: checkpoints.prefault({}).describe("What is written while training."),
    trackers: trackers.prefault({}).describe("Programs for following runs that this one is shown in while it trains."),
    cache: cache.prefault({}).describe("Where files lie that can be fetched or compiled again, for this recipe."),
  })
  .meta({ title: "Fettle recipe" });

/** Defaults of the sections that depend on the method and on the task. */
export function methodSections(
  { method, task_type: task }: Pick<Recipe, "method" | "task_type">,
  given: Pick<Recipe, "lora" | "quantization" | "head">,
): Pick<Recipe, "lora" | "quantization" | "head"> {
  return {
    ...(task === "SEQ_CLS" ? { head: given.head ?? head.parse({}) } : {}),
    ...(method === "full" ? {} : { lora: given.lora ?? lora.parse({}) }),
    ...(method === "qlora" ? { quantization: given.quantization ?? quantization.parse({}) } : {}),
  };
}
