/** Slither: detectors over compiled Solidity; a contract that its solc does not compile has no answer. */
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { messageOf, UserError } from "../../base/errors.ts";
import type { Severity } from "../../base/taxonomy/taxonomy.ts";
import { FindingLists } from "./finding-lists.ts";
import { parseOutput } from "./parse-output.ts";
import { runProgram } from "./run-program.ts";
import type { Tool } from "./tool.ts";

const severities: Readonly<Record<string, Severity>> = {
  High: "high",
  Medium: "medium",
  Low: "low",
  Informational: "low",
  Optimization: "low",
};

interface Output {
  readonly success: boolean;
  readonly error: string | null;
  readonly results: {
    readonly detectors?:
      | readonly {
          readonly check: string;
          readonly impact: string;
          readonly description: string;
          readonly elements: readonly { readonly source_mapping: { readonly lines: readonly number[] } }[];
        }[]
      | undefined;
  };
}

const output: z.ZodType<Output> = z.object({
  success: z.boolean(),
  error: z.string().nullable(),
  results: z.object({
    detectors: z
      .array(
        z.object({
          check: z.string(),
          impact: z.string(),
          description: z.string(),
          elements: z.array(z.object({ source_mapping: z.object({ lines: z.array(z.number().int().positive()) }) })),
        }),
      )
      .optional(),
  }),
});

export const slither: Tool = {
  name: "slither",
  kinds: ["solidity"],
  install: ["pip install slither-analyzer==0.11.6, and solc on PATH"],
  variable: "FETTLE_SLITHER",
  adapter: 1,
  // Each contract is compiled by itself.
  batch: 1,
  version: async (path) => {
    const { stdout } = await runProgram({ path, args: ["--version"], folder: tmpdir(), seconds: 60 });
    return `${stdout.trim()}, solc ${await compilerVersion()}`;
  },
  run: async ({ path }, folder, files) => {
    const args = ["Contract.sol", "--json", "-", "--fail-none"];
    const texts: string[] = [];
    for (const file of files) {
      const call = {
        path,
        args,
        folder: join(folder, dirname(file)),
        variables: solcHome(),
        codes: EXIT_CODES,
        seconds: 120,
      };
      texts.push((await runProgram(call)).stdout);
    }
    return texts;
  },
  read: (texts, files) => {
    const lists = new FindingLists(files);
    for (const [i, file] of files.entries()) {
      const text = texts[i] ?? "";
      // It ends without a word when solc refuses the file.
      if (text.trim() === "") lists.markUnread(file, "solc does not compile it");
      if (text.trim() === "") continue;
      const { success, error, results } = parseOutput("slither", text, output);
      if (!success) lists.markUnread(file, error ?? "slither could not analyse it");
      for (const { check, impact, description, elements } of results.detectors ?? []) {
        const lines = elements[0]?.source_mapping.lines ?? [];
        const place = lines.length === 0 ? {} : { startLine: Math.min(...lines), endLine: Math.max(...lines) };
        const [message = ""] = description.split("\n");
        lists.add(file, { rule: check, message, severity: severities[impact], ...place });
      }
    }
    return lists;
  },
};

/** 1: solc refused the file; 255: an error that the output tells. */
const EXIT_CODES = [0, 1, 255];

/** Where solc-select, whose solc most people have, keeps compilers. */
function solcHome(): Readonly<Record<string, string>> {
  const { HOME, VIRTUAL_ENV } = process.env;
  return { ...(HOME && { HOME }), ...(VIRTUAL_ENV && { VIRTUAL_ENV }) };
}

/** Part of slither's version, since it decides which contracts have an answer. */
async function compilerVersion(): Promise<string> {
  try {
    const call = { path: "solc", args: ["--version"], folder: tmpdir(), variables: solcHome(), seconds: 60 };
    return /Version: (\S+)/.exec((await runProgram(call)).stdout)?.[1] ?? "";
  } catch (error) {
    throw new UserError({
      code: "tools/no-solc",
      message: `slither needs solc, which does not start: ${messageOf(error)}`,
      fix: "pip install solc-select; solc-select install 0.8.28; solc-select use 0.8.28",
      cause: error,
    });
  }
}
