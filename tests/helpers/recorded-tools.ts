/** Outputs of the scanners on the Dockerfiles of `src/app/tools/fixtures`, recorded and anew. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ToolProgram } from "../../src/app/tools/tool.ts";
import { packageRoot } from "../../src/base/package-root.ts";

const fixtures: string = join(packageRoot, "src/app/tools/fixtures");

/** What a tool wrote about the files, one after the other as `00/Dockerfile`, `01/Dockerfile`, … */
export interface RecordedOutput {
  readonly version: string;
  readonly output: readonly unknown[];
}

/** In the order that they are given to tools in. */
export const dockerfileNames: readonly string[] = readdirSync(join(fixtures, "dockerfiles")).sort();

export const files: readonly string[] = dockerfileNames.map((_, i) => `${String(i).padStart(2, "0")}/Dockerfile`);

export function recordPath(tool: string): string {
  return join(fixtures, "recorded", `${tool}.json`);
}

export function readRecord(tool: string): RecordedOutput {
  return JSON.parse(readFileSync(recordPath(tool), "utf8")) as RecordedOutput;
}

/** Texts as `read` takes them. */
export function textsOf({ output }: RecordedOutput): readonly string[] {
  return output.map((one) => (typeof one === "string" ? one : JSON.stringify(one)));
}

/** Runs a tool on all the files. */
export async function runTool(program: ToolProgram): Promise<readonly string[]> {
  const place = mkdtempSync(join(tmpdir(), "fettle-recorded-"));
  try {
    const folder = join(place, "files");
    for (const [i, file] of files.entries()) {
      mkdirSync(join(folder, file.slice(0, 2)), { recursive: true });
      writeFileSync(join(folder, file), readFileSync(join(fixtures, "dockerfiles", dockerfileNames[i]!)));
    }
    return (await program.tool.run(program, folder, files)).map((text) => text.replaceAll(place, ""));
  } finally {
    rmSync(place, { recursive: true });
  }
}
