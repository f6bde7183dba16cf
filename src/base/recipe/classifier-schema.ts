/** Options of classifiers: the class head, and what rows count in the loss. */
import { z } from "zod";
import { unitInterval } from "./option-kinds.ts";
import type { FocalOptions, HeadOptions, LossOptions } from "./recipe.ts";

const width = z.int().min(1).max(65536);

export const head: z.ZodType<HeadOptions> = z.strictObject({
  dense: z
    .union([width, z.array(width).min(1).max(16)], {
      error: "expected a width from 1 to 65536, or a list of 1 to 16 of them",
    })
    .nullable()
    .default(null)
    .describe("Width of a dense layer below the labels, or a list for several, the lowest first; or none."),
  activation: z.enum(["gelu", "relu", "silu"]).default("gelu").describe("What follows each dense layer."),
  dropout: z.number().min(0).lt(1).default(0).describe("Share of each dense layer's outputs dropped in training."),
});

const labelNumbers = z.record(z.string(), z.number().min(0));

const focal: z.ZodType<FocalOptions> = z.strictObject({
  gamma: z.number().min(0).max(20).default(2).describe("How little sure answers count: times (1 - p)^gamma."),
  alpha: z
    .union([unitInterval, labelNumbers], { error: "expected a number from 0 to 1, or a map from label to number" })
    .nullable()
    .default(null)
    .describe("Factor of the second of two labels, the first having 1 - alpha; or label -> factor."),
});

export const loss: z.ZodType<LossOptions> = z.strictObject({
  focal: focal.nullable().default(null).describe("Focal loss in place of cross-entropy."),
  class_weights: z
    .union([z.literal("balanced"), labelNumbers], { error: "expected balanced, or a map from label to weight" })
    .nullable()
    .default(null)
    .describe("What rows of each label count, 1 where none is given; balanced: rows / (labels * rows of the label)."),
  sample_weight: z.string().min(1).nullable().default(null).describe("Field of the row that says what the row counts."),
  label_smoothing_factor: z.number().min(0).lt(1).default(0).describe("Share of the target spread over all labels."),
});
