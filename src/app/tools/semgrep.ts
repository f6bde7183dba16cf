/** Semgrep: patterns over parsed code, by rules of a folder; it fetches none. */
import { tmpdir } from "node:os";
import { sep } from "node:path";
import { z } from "zod";
import type { Severity } from "../../base/taxonomy/taxonomy.ts";
import { FindingLists } from "./finding-lists.ts";
import { parseOutput } from "./parse-output.ts";
import { runProgram, timeLimit } from "./run-program.ts";
import type { Tool } from "./tool.ts";

const severities: Readonly<Record<string, Severity>> = {
  CRITICAL: "critical",
  HIGH: "high",
  ERROR: "high",
  MEDIUM: "medium",
  WARNING: "medium",
  LOW: "low",
  INFO: "low",
};

interface Output {
  readonly results: readonly {
    readonly check_id: string;
    readonly path: string;
    readonly start: { readonly line: number };
    readonly end: { readonly line: number };
    readonly extra: { readonly message: string; readonly severity: string };
  }[];
  readonly errors: readonly {
    readonly type: unknown;
    readonly message: string;
    readonly path?: string | undefined;
  }[];
  readonly paths: { readonly scanned: readonly string[] };
}

const place: z.ZodType<{ readonly line: number }> = z.object({ line: z.number().int().positive() });
const output: z.ZodType<Output> = z.object({
  results: z.array(
    z.object({
      check_id: z.string(),
      path: z.string(),
      start: place,
      end: place,
      extra: z.object({ message: z.string(), severity: z.string() }),
    }),
  ),
  errors: z.array(z.object({ type: z.unknown(), message: z.string(), path: z.string().optional() })),
  paths: z.object({ scanned: z.array(z.string()) }),
});

export const semgrep: Tool = {
  name: "semgrep",
  kinds: ["java", "solidity"],
  install: ["pip install semgrep==1.182.0"],
  variable: "FETTLE_SEMGREP",
  rules: { variable: "FETTLE_SEMGREP_RULES", install: "a folder of rules, such as java of semgrep/semgrep-rules" },
  adapter: 1,
  batch: 64,
  version: async (path) => {
    const { stdout } = await runProgram({ path, args: ["--version"], folder: tmpdir(), variables, seconds: 120 });
    return stdout.trim().split("\n").at(-1) ?? "";
  },
  run: async ({ path, rules = "" }, folder, files) => {
    const args = [
      ["scan", "--config", rules, "--json", "--quiet", "--jobs", "1"],
      ["--no-git-ignore", "."],
    ].flat();
    const { stdout } = await runProgram({ path, args, folder, variables, seconds: timeLimit(files.length) });
    // It puts the folder's path before each rule's id, with dots: what is in the folder should not depend on where it is.
    const prefix = rules.split(sep).filter(Boolean).join(".");
    return [stdout.replaceAll(`"check_id":"${prefix}.`, '"check_id":"')];
  },
  read: ([stdout = ""], files) => {
    const { results, errors, paths } = parseOutput("semgrep", stdout, output);
    const lists = new FindingLists(files);
    for (const { check_id, path, start, end, extra } of results) {
      const lines = { startLine: start.line, endLine: end.line };
      lists.add(path, { rule: check_id, message: extra.message, severity: severities[extra.severity], ...lines });
    }
    for (const { type, message, path } of errors) {
      // A list as type, such as PartialParsing, stands for a part of the file; the rest was read.
      if (path !== undefined && typeof type === "string") lists.markUnread(path, message);
    }
    const scanned = new Set(paths.scanned);
    for (const file of files) if (!scanned.has(file)) lists.markUnread(file, "semgrep left it out");
    return lists;
  },
};

/** Without these it asks a server whether there is a newer version, and tells it of the run. */
const variables = { SEMGREP_ENABLE_VERSION_CHECK: "0", SEMGREP_SEND_METRICS: "off" };
