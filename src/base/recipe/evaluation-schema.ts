/** Options of looking at the validation set: while training, and once at the end to choose how probabilities are read. */
import { z } from "zod";
import { metricsForBestModel } from "./metric-names.ts";
import { count, unitInterval } from "./option-kinds.ts";
import type { EvaluationOptions, ThresholdOptions } from "./recipe.ts";

const cost = z.number().min(0).max(1e12);

/** Also what `fettle calibrate --threshold` takes. */
export const threshold: z.ZodType<ThresholdOptions> = z.strictObject({
  choose: z
    .enum(["f1", "recall_at_precision", "cost"])
    .default("f1")
    .describe("Highest F1, highest recall where precision reaches min_precision, or lowest cost of mistakes."),
  min_precision: unitInterval.default(0.9).describe("For recall_at_precision."),
  false_positive: cost.default(1).describe("For cost: what a label costs that is given and not true."),
  false_negative: cost.default(1).describe("For cost: what a label costs that is true and not given."),
  cost_matrix: z
    .record(z.string(), z.record(z.string(), cost))
    .nullable()
    .default(null)
    .describe("For cost, with one label a row: true label -> label given -> cost; 1 where none is given, 0 if right."),
});

export const evaluation: z.ZodType<EvaluationOptions> = z.strictObject({
  eval_steps: z
    .union([count, z.literal("epoch")], { error: "expected a number of steps, epoch or null" })
    .nullable()
    .default(null)
    .describe("Evaluate on the validation set every so many steps, or at the end of each epoch."),
  eval_samples: count.nullable().default(null).describe("Evaluate on at most this many rows, drawn by the seed."),
  metric_for_best_model: z
    .enum(metricsForBestModel)
    .default("loss")
    .describe("What early stopping and the best checkpoint go by; losses and errors are minimised, others maximised."),
  early_stopping: z
    .strictObject({
      patience: count.default(3).describe("Evaluations without improvement before training stops."),
      threshold: z.number().min(0).default(0).describe("Smallest change that counts as an improvement."),
    })
    .nullable()
    .default(null)
    .describe("Stop when the metric no longer improves."),
  load_best_model_at_end: z.boolean().default(false).describe("End with the best checkpoint instead of the last one."),
  positive_label: z
    .string()
    .nullable()
    .default(null)
    .describe("Of two labels, the one that F1, precision, recall and the threshold are about; null is the second."),
  calibration: z
    .enum(["temperature"])
    .nullable()
    .default(null)
    .describe("After training, fit on the validation set what makes probabilities come true as often as they say."),
  threshold: threshold
    .nullable()
    .default(null)
    .describe("After training, choose on the validation set from which probability on a label is given."),
});
