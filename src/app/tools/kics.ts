/** KICS: queries in Rego over parsed Dockerfiles, and expressions for passwords and keys. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { UserError } from "../../base/errors.ts";
import type { Severity } from "../../base/taxonomy/taxonomy.ts";
import { FindingLists } from "./finding-lists.ts";
import { parseOutput } from "./parse-output.ts";
import { runProgram, timeLimit } from "./run-program.ts";
import type { Tool } from "./tool.ts";

const severities: Readonly<Record<string, Severity>> = {
  CRITICAL: "critical",
  HIGH: "high",
  MEDIUM: "medium",
  LOW: "low",
  INFO: "low",
  TRACE: "low",
};

interface Output {
  readonly queries_failed_to_execute: number;
  readonly queries: readonly {
    readonly query_name: string;
    readonly query_id: string;
    readonly severity: string;
    readonly files: readonly {
      readonly file_name: string;
      readonly line: number;
      readonly actual_value: string;
    }[];
  }[];
}

const output: z.ZodType<Output> = z.object({
  queries_failed_to_execute: z.number(),
  queries: z.array(
    z.object({
      query_name: z.string(),
      query_id: z.string(),
      severity: z.string(),
      files: z.array(z.object({ file_name: z.string(), line: z.number().int(), actual_value: z.string() })),
    }),
  ),
});

/** Each kind of password or key has an id of its own; they are one query to KICS, and to the taxonomy. */
const SECRETS = { prefix: "Passwords And Secrets", rule: "a88baa34-e2ad-44ea-ad6f-8cac87bc7c71" } as const;

export const kics: Tool = {
  name: "kics",
  kinds: ["dockerfile"],
  install: [
    "from source: go mod download github.com/Checkmarx/kics/v2@v2.1.3, see docs/guide/scanners.md",
    "https://github.com/Checkmarx/kics/releases/tag/v2.1.3",
  ],
  variable: "FETTLE_KICS",
  rules: { variable: "FETTLE_KICS_QUERIES", install: "the folder assets/queries/dockerfile of KICS's sources" },
  adapter: 1,
  batch: 64,
  version: async (path) => {
    const { stdout } = await runProgram({ path, args: ["version"], folder: tmpdir(), seconds: 60 });
    return stdout.trim().split(/\s+/).at(-1) ?? "";
  },
  run: async ({ path, rules = "" }, folder, files) => {
    const place = await mkdtemp(join(dirname(folder), "kics-"));
    const log = join(place, "log.json");
    try {
      const args = [
        ["scan", "--path", ".", "--type", "Dockerfile", "--queries-path", rules],
        ["--report-formats", "json", "--output-path", place, "--output-name", "results"],
        ["--silent", "--log-path", log, "--log-format", "json", "--disable-full-descriptions"],
        ["--ignore-on-exit", "results"],
      ].flat();
      await runProgram({
        path,
        args,
        folder,
        variables: { DISABLE_CRASH_REPORT: "1" },
        seconds: timeLimit(files.length),
      });
      return [await readFile(join(place, "results.json"), "utf8"), await readFile(log, "utf8")];
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  },
  read: ([report = "", log = ""], files) => {
    const { queries, queries_failed_to_execute: failed } = parseOutput("kics", report, output);
    if (failed > 0) {
      const message = `${failed} queries of KICS could not be executed`;
      throw new UserError({ code: "tools/failed", message });
    }
    const lists = new FindingLists(files);
    for (const { query_name, query_id, severity, files: places } of queries) {
      const rule = query_name.startsWith(SECRETS.prefix) ? SECRETS.rule : query_id;
      for (const { file_name, line, actual_value } of places) {
        const message = `${query_name}: ${actual_value}`;
        const lines = line > 0 ? { startLine: line, endLine: line } : {};
        lists.add(file_name, { rule, message, severity: severities[severity], ...lines });
      }
    }
    for (const [path, reason] of unparsed(log)) {
      const file = files.find((one) => path.endsWith(`/${one}`));
      if (file !== undefined) lists.markUnread(file, reason);
    }
    return lists;
  },
};

const NOT_PARSED = "failed to parse file content: ";

const logLine: z.ZodType<{ readonly message?: string | undefined; readonly error?: string | undefined }> = z.object({
  message: z.string().optional(),
  error: z.string().optional(),
});

/** The report says only how many files could not be parsed; the log says which. */
function unparsed(log: string): (readonly [path: string, reason: string])[] {
  return log.split("\n").flatMap((text) => {
    if (!text.includes(NOT_PARSED)) return [];
    const { message = "", error = "it could not be parsed" } = parseOutput("kics", text, logLine);
    return [[message.replace(NOT_PARSED, "").replaceAll("\\", "/"), error] as const];
  });
}
