/** Runs the command line as a user does: a process of its own. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../../src/base/package-root.ts";

/** The built command. */
export const main: string = join(packageRoot, "dist/src/app/cli/main.js");

export interface CliOptions {
  /** Standard input; nothing by default. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function start(words: readonly string[], { env = {}, cwd }: CliOptions = {}): ChildProcess {
  return spawn(process.execPath, [main, ...words], { env: { ...process.env, ...env }, cwd, stdio: "pipe" });
}

/** Waits until a started process has ended. */
export async function finish(child: ChildProcess): Promise<CliResult> {
  const texts = { stdout: "", stderr: "" };
  child.stdout!.on("data", (chunk) => {
    texts.stdout += chunk;
  });
  child.stderr!.on("data", (chunk) => {
    texts.stderr += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, ...texts };
}

export function fettle(words: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = start(words, options);
  child.stdin!.on("error", () => {}); // A process that fails early does not read it.
  child.stdin!.end(options.input ?? "");
  return finish(child);
}

/** Runs with `--json`, checks that stdout is exactly one JSON object on one line, and returns it. */
export async function fettleJson(
  words: readonly string[],
  expectedCode: number,
  options: CliOptions = {},
): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await fettle([...words, "--json"], options);
  assert.equal(code, expectedCode, `${stdout}\n${stderr}`);
  assert.match(stdout, /^\{.*\}\n$/);
  return JSON.parse(stdout);
}
