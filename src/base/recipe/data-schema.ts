/** Options of files, of what their fields mean, and of how a row becomes a conversation. */
import { z } from "zod";
import { dataFormats } from "./data-format.ts";
import { count, path, pathsShape } from "./option-kinds.ts";
import type { DataOptions, TemplateOptions } from "./recipe.ts";

const filesOrPart = z.union([path, z.array(path).min(1), z.strictObject({ fraction: z.number().gt(0).lt(1) })], {
  error: "expected a path, a list of paths, or {fraction: 0.1} of the training set",
});

export const data: z.ZodType<DataOptions> = z.strictObject({
  train: pathsShape
    .nullable()
    .default(null)
    .describe("Training file, folder, archive or hf:ORG/NAME, or a list of these; gzip and zstd are read as they are."),
  validation: filesOrPart
    .nullable()
    .default(null)
    .describe("Validation file or files, or {fraction: 0.1}: a stratified part of the training set."),
  test: filesOrPart
    .nullable()
    .default(null)
    .describe("Test file or files, or {fraction: 0.1} of the training set; never used in training."),
  format: z
    .enum(["auto", ...dataFormats])
    .default("auto")
    .describe("How the files are written; auto looks at their content. text: one row per line."),
  header: z
    .union([z.literal("auto"), z.boolean()], { error: "expected auto, true or false" })
    .default("auto")
    .describe("Whether a CSV file's first row holds column names."),
  columns: z
    .record(z.string(), z.union([z.string(), z.int().min(0)], { error: "expected a column's name or position" }))
    .default({})
    .describe("Field name -> the file's column name, or its position (from 0) in a CSV file without header."),
  labels: z
    .union(
      [
        z
          .array(z.string().min(1))
          .min(1)
          .refine((names) => new Set(names).size === names.length, "a label stands in the list twice"),
        z.record(z.string(), z.string().min(1)),
      ],
      {
        error: "expected a list of label names, or a map from the file's value to a name",
      },
    )
    .nullable()
    .default(null)
    .describe("Label names in order, or the file's value -> name; null collects them from the training set."),
  annotators: z
    .enum(["majority", "first", "refuse"])
    .default("majority")
    .describe("Label Studio: whose answer counts where people differ; majority leaves ties out, refuse is an error."),
  control: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe("Label Studio: name of the control that holds the labels; null takes the one that is answered most."),
  limit: count.nullable().default(null).describe("Read at most this many rows of each set."),
});

export const template: z.ZodType<TemplateOptions> = z.strictObject({
  system: z.string().nullable().default(null).describe("System message put before each conversation."),
  user: z.string().nullable().default(null).describe("User message; {name} is replaced by the row's field."),
  assistant: z.string().nullable().default(null).describe("Answer to learn; {name} is replaced by the row's field."),
  text: z.string().nullable().default(null).describe("Plain text to learn whole, without messages (pre-training)."),
  chat_template_kwargs: z
    .record(z.string(), z.unknown())
    .default({})
    .describe("Variables handed to the model's chat template, such as enable_thinking."),
  whitespace: z
    .enum(["keep", "collapse", "delete"])
    .default("keep")
    .describe("White space in the rows' texts: kept, each run of it made one space, or deleted."),
  whitespace_fields: z
    .array(z.string().min(1))
    .min(1)
    .nullable()
    .default(null)
    .describe("Fields that whitespace is about; null: all of the text or the user's message, but for the label."),
  max_length: z
    .union([z.literal("auto"), z.int().min(2)], { error: "expected auto or a number of tokens" })
    .default("auto")
    .describe("Longest example in tokens; auto takes the model's context length."),
  too_long: z
    .enum(["cut", "skip", "refuse"])
    .default("cut")
    .describe("A longer example is cut in its document field (never in the answer), skipped, or refused."),
  cut_field: z
    .string()
    .min(1)
    .default("auto")
    .describe("Field that is cut; auto takes the longest of the user message."),
});
