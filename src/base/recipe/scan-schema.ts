/** Options of what a trained classifier scans: `fettle scan`. */
import { z } from "zod";
import { path } from "./option-kinds.ts";
import type { ScanOptions } from "./recipe.ts";

const pattern = z.string().regex(/^!?[^!]/, "expected a pattern such as Dockerfile.* or src/**/*.java");

export const scan: z.ZodType<ScanOptions> = z.strictObject({
  files: z
    .array(pattern)
    .min(1)
    .nullable()
    .default(null)
    .describe(
      "Which files the model is for: names (Dockerfile.*) or paths (src/**/*.java); !PATTERN leaves out again; the last that fits decides.",
    ),
  unit: z
    .enum(["file", "function"])
    .default("file")
    .describe("What is scored: whole files, or their functions, one by one."),
  text: z
    .string()
    .regex(/\{text\}/, "expected a text with {text} in it")
    .default("{text}")
    .describe("What stands in place of the row's text or instruction; {text} is the file or function."),
  taxonomy: path
    .nullable()
    .default(null)
    .describe(
      "File that says what the labels mean: title, severity, what to do; without it all are of medium severity.",
    ),
  clean: z
    .array(z.string().min(1))
    .nullable()
    .default(null)
    .describe("Labels that say that nothing was found; null is, of two labels, the one that is not the positive."),
});
