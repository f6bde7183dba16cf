/** What tools said of texts, kept by content: one small file a text, in a folder for all that decides the answer. */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { SEVERITIES } from "../../base/taxonomy/taxonomy.ts";
import { fileError } from "../../model/files/file-error.ts";
import type { TextKind, ToolFinding, ToolProgram } from "./tool.ts";

export interface Answer {
  /** Undefined when the tool could not read the text. */
  readonly findings: readonly ToolFinding[] | undefined;
  /** Why it could not. */
  readonly unread: string | undefined;
  /** Asked again, the tool would say the same; not so where it failed. */
  readonly lasting: boolean;
}

type Kept = Pick<Answer, "findings" | "unread">;

const line: z.ZodType<number | undefined> = z.number().optional();
const kept: z.ZodType<Kept> = z.object({
  findings: z
    .array(
      z.object({
        rule: z.string(),
        message: z.string(),
        severity: z.enum(SEVERITIES).optional(),
        startLine: line,
        endLine: line,
      }),
    )
    .optional(),
  unread: z.string().optional(),
}) as z.ZodType<Kept>;

export class AnswerCache {
  readonly #folder: string | undefined;
  readonly #kind: TextKind;

  private constructor(folder: string | undefined, kind: TextKind) {
    this.#folder = folder;
    this.#kind = kind;
  }

  /** @param cacheFolder undefined keeps nothing */
  static async open(program: ToolProgram, kind: TextKind, cacheFolder: string | undefined): Promise<AnswerCache> {
    if (cacheFolder === undefined) return new AnswerCache(undefined, kind);
    const { tool, version, path, rules } = program;
    const { size, mtimeMs } = await stat(path);
    const made = [tool.name, tool.adapter, version, size, mtimeMs, rules && (await stampOf(rules))];
    const key = createHash("sha256").update(JSON.stringify(made)).digest("hex").slice(0, 16);
    return new AnswerCache(join(cacheFolder, "tools", `${tool.name}-${key}`), kind);
  }

  async get(text: string): Promise<Answer | undefined> {
    const path = this.#pathOf(text);
    if (path === undefined) return undefined;
    try {
      const parsed = kept.safeParse(JSON.parse(await readFile(path, "utf8")));
      if (!parsed.success) return undefined;
      const { findings, unread } = parsed.data;
      return { findings, unread, lasting: true };
    } catch {
      // Not there, or cut off by a crash of the machine: it is asked again.
      return undefined;
    }
  }

  /** @throws UserError when the cache folder cannot be written */
  async set(text: string, { findings, unread }: Answer): Promise<void> {
    const path = this.#pathOf(text);
    if (path === undefined) return;
    const aside = `${path}.${randomBytes(4).toString("hex")}`;
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(aside, JSON.stringify({ findings, unread }));
      await rename(aside, path);
    } catch (error) {
      throw fileError("write", path, error);
    }
  }

  #pathOf(text: string): string | undefined {
    if (this.#folder === undefined) return undefined;
    const hash = createHash("sha256").update(`${this.#kind}\n`).update(text).digest("hex");
    return join(this.#folder, hash.slice(0, 2), `${hash.slice(2)}.json`);
  }
}

/** Files of a folder of rules that are looked at; more is no folder of rules. */
const MAX_RULE_FILES = 50_000;

/** Changes when any file of the folder does: names, sizes and times. */
async function stampOf(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const path of paths.sort().slice(0, MAX_RULE_FILES)) {
    const { size, mtimeMs } = await stat(path);
    hash.update(`${path}\n${size}\n${mtimeMs}\n`);
  }
  return hash.digest("hex");
}
