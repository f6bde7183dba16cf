/** What a comparison's file says of tools, checked. */
import { z } from "zod";
import type { ToolComparison } from "../../tune/evaluate/compare/alerts/alert-comparison.ts";
import type { Estimate } from "../../tune/evaluate/compare/estimate.ts";

const count = z.int().min(0);

export const estimate: z.ZodType<Estimate> = z.object({
  value: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
});

const figures = z.object({ alerts: count, accuracy: estimate, precision: estimate, recall: estimate, f1: estimate });
const overall = figures.extend({ macroF1: estimate });

const subject = z.object({
  name: z.string(),
  kind: z.enum(["model", "tool"]),
  covers: z.array(z.string()).nullable(),
  overall,
  covered: overall.nullable(),
  perClass: z.array(figures),
});

const tested = z.object({
  test: z.enum(["McNemar exact", "McNemar chi-square", "sign-flip exact", "sign-flip"]),
  pValue: z.number(),
  adjusted: z.number(),
  verdict: z.enum(["model", "tool", "undecided"]),
});

const difference = tested.extend({
  model: overall,
  differences: z.object({
    accuracy: estimate,
    precision: estimate,
    recall: estimate,
    f1: estimate,
    macroF1: estimate,
  }),
});

const matched = z.object({
  threshold: z.number().nullable(),
  tool: figures,
  model: figures.nullable(),
  precision: estimate,
  recall: estimate,
});

const matchedPair = z.object({
  chosenOn: z.enum(["judged rows", "validation rows", "alerts"]),
  overall: matched,
  covered: matched.nullable(),
  perClass: z.array(matched.extend({ label: z.string() })),
});

const pair = z.object({
  model: z.string(),
  tool: z.string(),
  overall: difference,
  covered: difference.nullable(),
  perClass: z.array(tested.extend({ label: z.string(), difference: estimate, onlyModel: count, onlyTool: count })),
  atPrecision: matchedPair.nullable(),
  atAlerts: matchedPair.nullable(),
});

const line = z.int().min(1).nullable();

const decided = z.object({
  label: z.string(),
  where: z.string().optional(),
  row: count,
  isTrue: z.boolean(),
  model: z.string(),
  right: z.enum(["model", "tools"]),
  tools: z.array(z.string()),
  named: z.array(z.object({ tool: z.string(), rule: z.string(), message: z.string(), startLine: line, endLine: line })),
  text: z.string(),
});

const tool = z.object({
  name: z.string(),
  version: z.string(),
  unread: count,
  unknownRules: count,
  seconds: z.number().nullable(),
});

const shape = z.object({
  labels: z.array(z.string()).min(1),
  support: z.array(count),
  subjects: z.array(subject).min(2),
  together: z.array(z.object({ name: z.string(), overall })),
  pairs: z.array(pair).min(1),
  tools: z.array(tool).min(1),
  counts: z.array(z.object({ label: z.string(), onlyModel: count, onlyTools: count })),
  decided: z.array(decided),
});

/** Lists of what is of each label are as long as that of the labels, and tools are known by name. */
export const toolComparison: z.ZodType<ToolComparison> = shape.refine(
  ({ labels, support, subjects, pairs, tools }) =>
    support.length === labels.length &&
    subjects.every(({ perClass }) => perClass.length === labels.length) &&
    subjects.every(({ kind, covers }) => (kind === "tool") === (covers !== null)) &&
    [...tools.map(({ name }) => name), ...pairs.map((one) => one.tool)].every((name) =>
      subjects.some((one) => one.kind === "tool" && one.name === name),
    ),
);
