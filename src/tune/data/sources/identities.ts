import { existsSync, statSync } from "node:fs";
import { dirname, relative } from "node:path";
import { UserError } from "../../../base/errors.ts";
import { findSources } from "./find-sources.ts";
import type { Part } from "./parts.ts";

/**
 * What tells files of rows apart, whichever way they are named: links to one file are one, members of an archive are
 * several. What a path means depends on the part that is read from it.
 * @returns identity -> the path that was given. Paths without a file, such as data sets of the hub, are what they are called.
 */
export async function identities(paths: readonly string[], part: Part): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const path of paths) {
    for (const name of await sourceNames(path, part)) found.set(identityOf(name), path);
  }
  return found;
}

async function sourceNames(path: string, part: Part): Promise<readonly string[]> {
  try {
    const sources = await findSources(path, { part, format: "auto", onEvent: () => {} });
    return sources.map((source) => ("path" in source ? (source.path ?? source.name) : source.name));
  } catch (error) {
    // Whatever is wrong with it is said where its rows are read.
    if (error instanceof UserError) return [path];
    throw error;
  }
}

function identityOf(name: string): string {
  let file = name;
  while (!existsSync(file) && dirname(file) !== file) file = dirname(file);
  const { dev, ino } = statSync(file);
  return `${dev}:${ino} ${relative(file, name)}`;
}
