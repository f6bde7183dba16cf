/** Trivy, its checks of configuration files: `trivy config`, by the checks that are built into the program. */
import { tmpdir } from "node:os";
import { z } from "zod";
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
};

interface Output {
  readonly Results?: readonly Result[] | null | undefined;
}

interface Result {
  readonly Target: string;
  readonly Misconfigurations?: readonly Misconfiguration[] | null | undefined;
}

interface Misconfiguration {
  readonly ID: string;
  readonly Message: string;
  readonly Severity: string;
  readonly Status: string;
  readonly CauseMetadata: { readonly StartLine?: number | undefined; readonly EndLine?: number | undefined };
}

const line: z.ZodType<number | undefined> = z.number().int().positive().optional();
const output: z.ZodType<Output> = z.object({
  Results: z
    .array(
      z.object({
        Target: z.string(),
        Misconfigurations: z
          .array(
            z.object({
              ID: z.string(),
              Message: z.string(),
              Severity: z.string(),
              Status: z.string(),
              CauseMetadata: z.object({ StartLine: line, EndLine: line }),
            }),
          )
          .nullish(),
      }),
    )
    .nullish(),
});

export const trivy: Tool = {
  name: "trivy",
  kinds: ["dockerfile"],
  install: [
    "https://github.com/aquasecurity/trivy/releases/tag/v0.58.2",
    "from source: go mod download github.com/aquasecurity/trivy@v0.58.2, see docs/guide/scanners.md",
  ],
  variable: "FETTLE_TRIVY",
  adapter: 1,
  batch: 64,
  version: async (path) => {
    const { stdout } = await runProgram({ path, args: ["--version"], folder: tmpdir(), seconds: 60 });
    return /^Version: (\S+)/m.exec(stdout)?.[1] ?? "";
  },
  run: async ({ path }, folder, files) => {
    // Without --skip-check-update it would fetch a newer set of checks, and answers would depend on the day.
    const args = ["config", "--quiet", "--format", "json", "--skip-check-update", "."];
    return [(await runProgram({ path, args, folder, seconds: timeLimit(files.length) })).stdout];
  },
  read: ([stdout = ""], files) => {
    const lists = new FindingLists(files);
    const results = parseOutput("trivy", stdout, output).Results ?? [];
    for (const { Target, Misconfigurations } of results) {
      for (const { ID, Message, Severity, Status, CauseMetadata } of Misconfigurations ?? []) {
        if (Status !== "FAIL") continue;
        const { StartLine: startLine, EndLine: endLine } = CauseMetadata;
        lists.add(Target, { rule: ruleOf(ID), message: Message, severity: severities[Severity], startLine, endLine });
      }
    }
    // A file with nothing found is among the results; one that is not there could not be parsed.
    const read = new Set(results.map(({ Target }) => Target));
    for (const file of files) if (!read.has(file)) lists.markUnread(file, "trivy could not parse it");
    return lists;
  },
};

/** DS002 in this version is DS-0002 in later ones and in the taxonomy. */
function ruleOf(id: string): string {
  return id.replace(/^([A-Z]+)(\d{3})$/, "$1-0$2");
}
