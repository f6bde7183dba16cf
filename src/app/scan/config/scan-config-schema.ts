/** What `.fettle.yaml` says: how a repository is scanned. */
import { z } from "zod";
import type { JsonSchema } from "../../../base/recipe/json-schema.ts";
import { SEVERITIES, type Severity } from "../../../base/taxonomy/taxonomy.ts";
import { scanFormats } from "../formats/formats.ts";

/** As it is written; paths are relative to the file's folder. */
export interface ScanConfigFile {
  readonly model?: string | undefined;
  readonly files?: readonly string[] | undefined;
  readonly exclude: readonly string[];
  readonly fail_on?: FailOn | undefined;
  readonly outputs: readonly { readonly format: string; readonly output: string }[];
  readonly baseline?: string | undefined;
  readonly severity: Readonly<Record<string, Severity>>;
  readonly thresholds: Readonly<Record<string, number>>;
}

/** The least severity that fails a scan. */
export type FailOn = Severity | "none";

export const FAIL_ON: readonly [FailOn, ...FailOn[]] = [...SEVERITIES, "none"];

const path: z.ZodString = z.string().min(1).max(1000);
const globs: z.ZodArray<z.ZodString> = z.array(z.string().min(1).max(200)).max(200);
const formatNames = scanFormats.map(({ name }) => name) as [string, ...string[]];

export const scanConfigSchema: z.ZodType<ScanConfigFile> = z.strictObject({
  model: path.optional().describe("Folder of the run, adapter or model, in this tree. Others are given with --model."),
  files: globs.min(1).optional().describe("Which files, in place of what the model says."),
  exclude: globs.default([]).describe("Which of them not."),
  fail_on: z.enum(FAIL_ON).optional().describe("Findings from this severity on make the exit code 1; default low."),
  outputs: z
    .array(
      z.strictObject({
        format: z.enum(formatNames).describe("Its name."),
        output: path.describe("File, in this tree."),
      }),
    )
    .max(20)
    .default([])
    .describe("What is written, unless the command line names formats."),
  baseline: path.optional().describe("File of findings that are known, in this tree."),
  severity: z
    .record(z.string(), z.enum(SEVERITIES))
    .default({})
    .describe("Label -> severity, in place of the model's."),
  thresholds: z
    .record(z.string(), z.number().min(0).max(1))
    .default({})
    .describe("Label -> least probability of a finding, in place of the model's."),
});

/** JSON Schema (draft 2020-12) of the file as a person writes it. */
export const scanConfigJsonSchema: JsonSchema = z.toJSONSchema(scanConfigSchema, { io: "input" }) as JsonSchema;

/** Text of `recipes/scan.schema.json`; editors take it from a `# yaml-language-server: $schema=` line. */
export function scanConfigJsonSchemaText(): string {
  return `${JSON.stringify(scanConfigJsonSchema, null, 2)}\n`;
}
