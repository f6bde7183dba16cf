import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { readHead } from "../bytes.ts";
import { fileSource } from "../source.ts";
import { membersByPart } from "./choose-members.ts";
import { openFolder } from "./folder.ts";
import { type Part, parts } from "./parts.ts";
import { isTar, listTar, tarHeadBytes } from "./tar.ts";

/**
 * Paths of the parts that an archive or folder holds, by its names; empty for anything else, and where it has no
 * training rows.
 */
export async function partPaths(path: string): Promise<ReadonlyMap<Part, readonly string[]>> {
  const found = new Map<Part, readonly string[]>();
  const members = await membersOf(path);
  for (const part of parts) {
    const files = members.get(part);
    if (files !== undefined)
      found.set(
        part,
        files.map((file) => join(path, file)),
      );
  }
  return found.has("train") ? found : new Map();
}

async function membersOf(path: string): Promise<ReadonlyMap<Part | undefined, readonly string[]>> {
  if (!existsSync(path)) return new Map();
  if (statSync(path).isDirectory()) {
    const content = await openFolder(path, { part: undefined, filesAreRows: false });
    if (content.kind === "rows") return new Map(content.parts.map(([part, folder]) => [part, [folder]]));
    return pathsOf(membersByPart(content.members));
  }
  const file = fileSource(path);
  const { bytes } = await readHead(file, tarHeadBytes);
  return isTar(bytes) ? pathsOf(membersByPart(await listTar(file))) : new Map();
}

function pathsOf(groups: ReturnType<typeof membersByPart>): ReadonlyMap<Part | undefined, readonly string[]> {
  return new Map([...groups].map(([part, members]) => [part, members.map(({ path }) => path)]));
}
