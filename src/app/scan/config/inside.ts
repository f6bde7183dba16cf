import { existsSync, lstatSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { isWithin } from "../walk/scan-root.ts";

/**
 * Absolute path of a file or folder that a scanned tree names, which may be anybody's: it is in the tree, through links
 * as well, and not in what git runs things from. Otherwise why it is refused.
 * @param path relative to the folder
 */
export function insideOf(folder: string, path: string): { readonly path: string } | { readonly refused: string } {
  if (isAbsolute(path) || /^[a-z]:|^[\\~]/i.test(path)) return { refused: "it must be relative" };
  const parts = path.split(/[\\/]/);
  if (parts.includes("..")) return { refused: "it must not lead up" };
  if (parts.some((part) => part.toLowerCase() === ".git")) return { refused: "it must not be in .git" };
  const root = realpathSync(folder);
  const absolute = resolve(root, path);
  // What does not exist yet lies where its nearest folder that does is.
  let there = absolute;
  while (lstatSync(there, { throwIfNoEntry: false }) === undefined) there = dirname(there);
  if (!existsSync(there)) return { refused: "a link leads nowhere" };
  const real = realpathSync(there);
  const isInside = real === root || isWithin(real, root);
  if (!isInside || isWithin(join(real, "x"), join(root, ".git"))) return { refused: "a link leads out of the tree" };
  return { path: absolute };
}
