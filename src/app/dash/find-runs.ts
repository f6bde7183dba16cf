/** Run folders below a folder. */
import { type Dirent, existsSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** Folders below this depth are not looked into, nor more than this many: the folder given may be anything. */
const DEEPEST = 5;
const MOST_FOLDERS = 20_000;
const LEFT_OUT: ReadonlySet<string> = new Set(["node_modules", "checkpoints", "adapter", "model"]);

/** @returns paths relative to the folder, with `/`, by name; `.` for the folder itself */
export function findRuns(root: string): string[] {
  const found: string[] = [];
  let left = MOST_FOLDERS;
  const look = (folder: string, depth: number): void => {
    if (left-- <= 0) return;
    if (existsSync(join(folder, "run.json"))) {
      found.push(relative(root, folder).split(sep).join("/") || ".");
      return;
    }
    if (depth === DEEPEST) return;
    for (const entry of entriesOf(folder)) {
      if (entry.isDirectory() && !entry.name.startsWith(".") && !LEFT_OUT.has(entry.name)) {
        look(join(folder, entry.name), depth + 1);
      }
    }
  };
  look(root, 0);
  return found.sort();
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // A folder that may not be read holds no runs for this user.
    return [];
  }
}
