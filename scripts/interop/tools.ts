/** The scanners that stand beside the model, run anew: do they say what the recorded outputs of the tests say? */

import { findTools } from "../../src/app/tools/find-tools.ts";
import type { Tool, ToolProgram, ToolRun } from "../../src/app/tools/tool.ts";
import { tools } from "../../src/app/tools/tools.ts";
import { UserError } from "../../src/base/errors.ts";
import { readRecord, recordedFiles, runTool, semgrepRules, textsOf } from "../../tests/helpers/recorded-tools.ts";
import { type Comparison, NotRun } from "./lib/comparison.ts";

export async function compare(): Promise<readonly Comparison[]> {
  const here: ToolProgram[] = [];
  const missing: string[] = [];
  for (const { name, kinds } of tools) {
    try {
      here.push(...(await findTools([name], kinds[0]!, { FETTLE_SEMGREP_RULES: semgrepRules, ...process.env })));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      missing.push(name);
    }
  }
  if (here.length === 0) throw new NotRun("no scanner is here", "docs/guide/scanners.md says how to install them");
  const compared: Comparison[] = [];
  for (const program of here) compared.push(await compareTool(program));
  return [...compared, ...missing.map((name) => ({ what: name, result: "not here", ok: true }))];
}

async function compareTool(program: ToolProgram): Promise<Comparison> {
  const { tool, version } = program;
  const record = readRecord(tool);
  const before = linesOf(tool, textsOf(record));
  const now = linesOf(tool, await runTool(program));
  const gone = before.filter((line) => !now.includes(line));
  const come = now.filter((line) => !before.includes(line));
  const versions = version === record.version ? version : `${version}, recorded ${record.version}`;
  const differences = [...gone.map((line) => `no longer ${line}`), ...come.map((line) => `new ${line}`)];
  return {
    what: `${tool.name} ${versions}: ${now.length} findings, ${recordedFiles(tool).kind} files`,
    result: differences.length === 0 ? "as recorded" : differences.slice(0, 5).join("; "),
    ok: differences.length === 0,
  };
}

/** `admin-port DL3007:1`, and what could not be read. */
function linesOf(tool: Tool, output: readonly string[]): readonly string[] {
  const { names, files } = recordedFiles(tool);
  const { findings, unread }: ToolRun = tool.read(output, files);
  return files.flatMap((file, i) => {
    const name = names[i]!;
    if (unread.has(file)) return [`${name} unread`];
    return (findings.get(file) ?? []).map(({ rule, startLine }) => `${name} ${rule}:${startLine ?? "-"}`);
  });
}
