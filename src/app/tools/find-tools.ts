/** Names of tools into programs of this machine. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { messageOf, UserError, UserErrors } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { TextKind, Tool, ToolProgram } from "./tool.ts";
import { tools } from "./tools.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * @param names as in the registry; one that is given twice counts once
 * @param kind what they are to be asked about
 * @throws UserErrors naming every tool that is unknown, not for this kind of text, or missing, and how to install it
 */
export async function findTools(
  names: readonly string[],
  kind: TextKind,
  variables: Variables = process.env,
): Promise<readonly ToolProgram[]> {
  const found: ToolProgram[] = [];
  const errors: UserError[] = [];
  for (const name of new Set(names)) {
    try {
      found.push(await findTool(name, kind, variables));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new UserErrors("tools/missing", "not every tool that was asked for is here", errors);
  return found;
}

async function findTool(name: string, kind: TextKind, variables: Variables): Promise<ToolProgram> {
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined) {
    const known = tools.map((one) => one.name);
    throw new UserError({ code: "tools/unknown", message: `no tool is called ${name}`, fix: suggestName(name, known) });
  }
  if (!tool.kinds.includes(kind)) {
    const message = `${name} says nothing about ${kind} files`;
    throw new UserError({ code: "tools/kind", message, fix: `it is for ${tool.kinds.join(" and ")} files` });
  }
  const path = programOf(tool, variables);
  const rules = rulesOf(tool, variables);
  const version = await versionOf(tool, path);
  return { tool, path, rules, version };
}

function programOf(tool: Tool, variables: Variables): string {
  const named = variables[tool.variable];
  if (named) {
    if (isProgram(named)) return resolve(named);
    throw new UserError({
      code: "tools/missing",
      message: `${tool.variable} names no program: ${named}`,
      fix: `name the program of ${tool.name}, or unset it to have PATH searched`,
    });
  }
  const folders = (variables.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const path = folders.map((folder) => join(folder, tool.name)).find(isProgram);
  if (path !== undefined) return resolve(path);
  throw new UserError({
    code: "tools/missing",
    message: `${tool.name} is neither on PATH nor named by ${tool.variable}`,
    fix: `install it: ${tool.install.join("; or ")}`,
  });
}

function rulesOf({ name, rules }: Tool, variables: Variables): string | undefined {
  if (rules === undefined) return undefined;
  const folder = variables[rules.variable];
  if (folder && statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return resolve(folder);
  throw new UserError({
    code: "tools/no-rules",
    message: folder
      ? `${rules.variable} names no folder: ${folder}`
      : `${name} needs its rules beside it, and ${rules.variable} is not set`,
    fix: `let ${rules.variable} name ${rules.install}`,
  });
}

async function versionOf(tool: Tool, path: string): Promise<string> {
  try {
    return await tool.version(path);
  } catch (error) {
    throw new UserError({
      code: "tools/broken",
      message: `${tool.name} does not start: ${messageOf(error)}`,
      where: path,
      fix: `install it anew: ${tool.install.join("; or ")}`,
      cause: error,
    });
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
