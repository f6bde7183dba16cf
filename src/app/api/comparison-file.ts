/** The file of `fettle compare --output`: the object of its `--json`. */
import { z } from "zod";
import { UserError } from "../../base/errors.ts";
import { writeFileAtomic } from "../../model/files/atomic.ts";
import { parseJsonObject, readTextFile } from "../../model/files/json-file.ts";
import type { Comparison } from "../../tune/evaluate/compare/comparison.ts";
import { estimate, toolComparison } from "./tool-comparison-schema.ts";

const MAX_BYTES = 2 ** 28;

const verdict = z.enum(["a", "b", "undecided"]);
const metric = z.enum([
  ...(["accuracy", "macroF1", "rocAuc", "logLoss", "score"] as const),
  ...(["exact_match", "squad_exact_match", "token_f1", "char_f1", "chrf"] as const),
]);
const count = z.int().min(0);

const slice = z.object({
  by: z.string(),
  value: z.string(),
  rows: count,
  scoreA: z.number(),
  scoreB: z.number(),
  difference: estimate,
  pValue: z.number(),
  adjusted: z.number(),
  verdict,
  small: z.boolean(),
});

const pair = z.object({
  a: z.string(),
  b: z.string(),
  differences: z.partialRecord(metric, estimate),
  onlyA: count,
  onlyB: count,
  alike: count,
  disagreements: count,
  test: z.enum(["McNemar exact", "McNemar chi-square", "sign-flip exact", "sign-flip"]),
  pValue: z.number(),
  adjusted: z.number(),
  detectable: z.number().nullable(),
  verdict,
  slices: z.array(slice),
});

const comparison = z.object({
  kind: z.literal("comparison"),
  answers: z.enum(["label", "labels", "score"]),
  rows: count,
  groups: z.object({ by: z.string(), count }).nullable(),
  metrics: z.array(metric).min(1),
  subjects: z.array(z.object({ name: z.string(), metrics: z.partialRecord(metric, estimate) })).min(2),
  pairs: z.array(pair).min(1),
  resamples: count,
  seed: count,
  beside: toolComparison.optional(),
});

/** @throws UserError when it cannot be written */
export function writeComparison(path: string, value: object): void {
  writeFileAtomic(path, `${JSON.stringify(value)}\n`);
}

/** @throws UserError when it cannot be read, or is something else */
export function readComparison(path: string): Comparison {
  const parsed = comparison.safeParse(parseJsonObject(readTextFile(path, MAX_BYTES), path));
  if (parsed.success) {
    const { answers, kind: _, ...rest } = parsed.data;
    const complete = rest.pairs.every(({ differences }) => rest.metrics.every((name) => differences[name]));
    if (complete && rest.subjects.every(({ metrics }) => rest.metrics.every((name) => metrics[name]))) {
      return { ...rest, kind: answers };
    }
  }
  throw new UserError({
    code: "report/no-comparison",
    message: "this is no file of a comparison",
    where: path,
    fix: "write one with `fettle compare A B --output FILE`",
  });
}
