/**
 * Terrascan's policies for Dockerfiles. Many of them ask for instructions in lower case (`docker_expose`), which its
 * parser names as they are written: on most files they cannot find anything. They are run as they are.
 */
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { Severity } from "../../base/taxonomy/taxonomy.ts";
import { FindingLists } from "./finding-lists.ts";
import { parseOutput } from "./parse-output.ts";
import { runProgram } from "./run-program.ts";
import type { Tool } from "./tool.ts";

const severities: Readonly<Record<string, Severity>> = { HIGH: "high", MEDIUM: "medium", LOW: "low" };

interface Output {
  readonly results: {
    readonly violations?: readonly Violation[] | null | undefined;
    readonly scan_errors?: readonly { readonly errMsg: string }[] | null | undefined;
  };
}

interface Violation {
  readonly rule_id: string;
  readonly description: string;
  readonly severity: string;
  readonly line: number;
}

const output: z.ZodType<Output> = z.object({
  results: z.object({
    violations: z
      .array(
        z.object({
          rule_id: z.string(),
          description: z.string(),
          severity: z.string(),
          line: z.number().int(),
        }),
      )
      .nullish(),
    scan_errors: z.array(z.object({ errMsg: z.string() })).nullish(),
  }),
});

export const terrascan: Tool = {
  name: "terrascan",
  kinds: ["dockerfile"],
  install: [
    "https://github.com/tenable/terrascan/releases/tag/v1.19.9",
    "from source: go mod download github.com/tenable/terrascan@v1.19.9, see docs/guide/scanners.md",
  ],
  variable: "FETTLE_TERRASCAN",
  rules: {
    variable: "FETTLE_TERRASCAN_POLICIES",
    install: "the folder pkg/policies/opa/rego/docker of terrascan's sources",
  },
  adapter: 1,
  // In a folder of several files, instructions of all are counted together: each file has several CMDs.
  batch: 1,
  version: async (path) => {
    const { stdout } = await runProgram({ path, args: ["version"], folder: tmpdir(), variables, seconds: 60 });
    return /v(\d\S*)/.exec(stdout)?.[1] ?? "";
  },
  run: async ({ path, rules = "" }, folder, files) => {
    const args = ["scan", "-i", "docker", "-d", ".", "-p", rules, "-o", "json", "--use-colors", "f"];
    const texts: string[] = [];
    for (const file of files) {
      const call = { path, args, folder: join(folder, dirname(file)), variables, codes: EXIT_CODES, seconds: 60 };
      texts.push((await runProgram(call)).stdout);
    }
    return texts;
  },
  read: (texts, files) => {
    const lists = new FindingLists(files);
    for (const [i, file] of files.entries()) {
      const { violations, scan_errors } = parseOutput("terrascan", texts[i] ?? "", output).results;
      for (const { rule_id, description, severity, line } of violations ?? []) {
        const place = line > 0 ? { startLine: line, endLine: line } : {};
        lists.add(file, { rule: rule_id, message: description, severity: severities[severity], ...place });
      }
      for (const { errMsg } of scan_errors ?? []) lists.markUnread(file, errMsg.replace(/ \/.*/, ""));
    }
    return lists;
  },
};

/** Two of its libraries register the same name, which newer versions of protobuf's runtime refuse. */
const variables = { GOLANG_PROTOBUF_REGISTRATION_CONFLICT: "ignore" };

/** 3: violations; 4: files that could not be read; 5: both. */
const EXIT_CODES = [0, 3, 4, 5];
