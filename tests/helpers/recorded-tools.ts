/** Outputs of the scanners on the files of `src/app/tools/fixtures`, recorded and anew. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileNames } from "../../src/app/tools/run-batches.ts";
import type { TextKind, Tool, ToolProgram } from "../../src/app/tools/tool.ts";
import { packageRoot } from "../../src/base/package-root.ts";

const fixtures: string = join(packageRoot, "src/app/tools/fixtures");

/** Rules that Semgrep's output was recorded with. */
export const semgrepRules: string = join(fixtures, "semgrep-rules");

/** What a tool wrote about the files, one after the other as `00/Dockerfile`, `01/Dockerfile`, … */
export interface RecordedOutput {
  readonly version: string;
  readonly output: readonly unknown[];
}

/** The files that a tool's output was recorded on. */
export interface RecordedFiles {
  readonly kind: TextKind;
  /** Without their endings, in order. */
  readonly names: readonly string[];
  /** As the tool was given them. */
  readonly files: readonly string[];
}

export function recordedFiles({ kinds }: Tool): RecordedFiles {
  const kind = kinds[0]!;
  const names = readdirSync(join(fixtures, kind)).sort();
  const files = names.map((_, i) => `${String(i).padStart(2, "0")}/${fileNames[kind]}`);
  return { kind, names: names.map((name) => name.replace(/\.\w+$/, "")), files };
}

export function recordPath({ name }: Tool): string {
  return join(fixtures, "recorded", `${name}.json`);
}

export function readRecord(tool: Tool): RecordedOutput {
  return JSON.parse(readFileSync(recordPath(tool), "utf8")) as RecordedOutput;
}

/** Texts as `read` takes them. */
export function textsOf({ output }: RecordedOutput): readonly string[] {
  return output.map((one) => (typeof one === "string" ? one : JSON.stringify(one)));
}

/** Runs a tool on all its files. */
export async function runTool(program: ToolProgram): Promise<readonly string[]> {
  const { kind, files } = recordedFiles(program.tool);
  const sources = readdirSync(join(fixtures, kind)).sort();
  const place = mkdtempSync(join(tmpdir(), "fettle-recorded-"));
  try {
    const folder = join(place, "files");
    for (const [i, file] of files.entries()) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), readFileSync(join(fixtures, kind, sources[i]!)));
    }
    return (await program.tool.run(program, folder, files)).map((text) => text.replaceAll(place, ""));
  } finally {
    rmSync(place, { recursive: true });
  }
}
