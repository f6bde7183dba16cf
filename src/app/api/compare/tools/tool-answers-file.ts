/** What tools said of texts, kept in a file, so that a comparison can be made again without the tools. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { z } from "zod";
import { UserError } from "../../../../base/errors.ts";
import { SEVERITIES } from "../../../../base/taxonomy/taxonomy.ts";
import { writeFileAtomic } from "../../../../model/files/atomic.ts";
import { parseJsonObject, readTextFile } from "../../../../model/files/json-file.ts";
import type { ToolAnswers, ToolFinding } from "../../../tools/tool.ts";

const MAX_BYTES = 2 ** 29;

const line = z.int().min(1).optional();
const finding = z
  .object({
    rule: z.string(),
    message: z.string(),
    severity: z.enum(SEVERITIES).optional(),
    startLine: line,
    endLine: line,
  })
  .transform((found): ToolFinding => ({ ...found, severity: found.severity }));
const file = z.object({
  kind: z.literal("tool answers"),
  version: z.literal(1),
  tools: z.array(
    z.object({
      tool: z.string(),
      version: z.string(),
      // By sha256 of the text; null where the tool could not read it.
      findings: z.record(z.string(), z.array(finding).nullable()),
    }),
  ),
});

export interface KeptAnswers {
  readonly tool: string;
  readonly version: string;
  /** By the text's sha256. */
  readonly findings: ReadonlyMap<string, readonly ToolFinding[] | undefined>;
}

/** @returns undefined where there is no such file. @throws UserError when it is something else, or lacks a tool */
export function readToolAnswers(path: string, names: readonly string[]): readonly KeptAnswers[] | undefined {
  if (!existsSync(path)) return undefined;
  const parsed = file.safeParse(parseJsonObject(readTextFile(path, MAX_BYTES), path));
  if (!parsed.success) {
    throw new UserError({
      code: "compare/tool-answers",
      message: "this is no file of tool answers",
      where: path,
      fix: "name another file, which is written then",
    });
  }
  return names.map((name) => {
    const kept = parsed.data.tools.find(({ tool }) => tool === name);
    if (kept === undefined) throw notKept(path, `it has no answers of ${name}`);
    const { findings, ...rest } = kept;
    return { ...rest, findings: new Map(Object.entries(findings).map(([key, list]) => [key, list ?? undefined])) };
  });
}

/** @returns [texts] what a tool said of each. @throws UserError where one is not in the file */
export function keptFindings(
  path: string,
  { tool, findings }: KeptAnswers,
  texts: readonly string[],
): (readonly ToolFinding[] | undefined)[] {
  const keys = texts.map(keyOf);
  const missing = keys.filter((key) => !findings.has(key)).length;
  if (missing > 0) throw notKept(path, `${missing} of ${texts.length} texts have no answer of ${tool}`);
  return keys.map((key) => findings.get(key));
}

function notKept(path: string, message: string): UserError {
  return new UserError({
    code: "compare/tool-answers",
    message,
    where: path,
    fix: "remove the file to ask the tools again, or name the rows and tools that it was made of",
  });
}

/** @throws UserError when it cannot be written */
export function writeToolAnswers(path: string, texts: readonly string[], answers: readonly ToolAnswers[]): void {
  const keys = texts.map(keyOf);
  const tools = answers.map(({ tool, version, findings }) => ({
    tool,
    version,
    findings: Object.fromEntries(keys.map((key, i) => [key, findings[i] ?? null])),
  }));
  writeFileAtomic(path, `${JSON.stringify({ kind: "tool answers", version: 1, tools })}\n`);
}

function keyOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
