import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { messageOf, UserError } from "../../../base/errors.ts";

/** Beyond this a folder is a disk, not a data set. */
const maxFiles = 1_000_000;
const deepest = 64;

export interface FolderListing {
  /** Paths of files from the folder on, with slashes, in an order that is the same everywhere. */
  readonly files: readonly string[];
  /** What is in it and is not taken, with the reason. */
  readonly left: readonly { readonly path: string; readonly reason: string }[];
}

/**
 * The files below a folder. Hidden ones are left out, as are links to folders and links that lead out of it.
 * @throws UserError when it cannot be read, or has no end
 */
export async function listFolder(folder: string): Promise<FolderListing> {
  const root = await realpath(folder);
  const files: string[] = [];
  const left: { path: string; reason: string }[] = [];
  const walk = async (below: string, depth: number): Promise<void> => {
    for (const entry of await entriesOf(join(folder, below))) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.name.startsWith(".")) left.push({ path, reason: "hidden" });
      else if (entry.isDirectory()) {
        if (depth >= deepest) throw endless(folder, `is more than ${deepest} folders deep`);
        await walk(path, depth + 1);
      } else if (entry.isFile() || (entry.isSymbolicLink() && (await isFileWithin(join(folder, path), root)))) {
        files.push(path);
      } else left.push({ path, reason: entry.isSymbolicLink() ? "a link that is not followed" : "no plain file" });
      if (files.length + left.length > maxFiles) throw endless(folder, `holds more than ${maxFiles} files`);
    }
  };
  await walk("", 0);
  return { files, left };
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    const message = `the folder cannot be read: ${messageOf(error)}`;
    throw new UserError({ code: "data/unreadable", message, where: folder, cause: error });
  }
}

async function isFileWithin(link: string, root: string): Promise<boolean> {
  try {
    const target = await realpath(link);
    return target.startsWith(root + sep) && (await stat(target)).isFile();
  } catch {
    return false;
  }
}

function endless(folder: string, what: string): UserError {
  return new UserError({
    code: "data/endless-folder",
    message: what,
    where: folder,
    fix: "name the folder of the data",
  });
}
