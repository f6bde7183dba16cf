import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../scan-result.ts";
import { lineHashes } from "./line-hashes.ts";

/** Of larger files GitHub's action computes the hashes itself, when they are uploaded. */
const MAX_BYTES = 4 * 1024 * 1024;

/** By path and line: GitHub's hash of each line that a finding starts at; none for files that are gone or too large. */
export function hashLines(
  root: string,
  findings: readonly Finding[],
): ReadonlyMap<string, ReadonlyMap<number, string>> {
  const wanted = new Map<string, Set<number>>();
  for (const { path, region } of findings) {
    if (!wanted.has(path)) wanted.set(path, new Set());
    wanted.get(path)!.add(region.startLine);
  }
  const found = new Map<string, ReadonlyMap<number, string>>();
  for (const [path, lines] of wanted) {
    const text = readSmall(join(root, path));
    if (text !== undefined) found.set(path, lineHashes(text, lines));
  }
  return found;
}

function readSmall(path: string): string | undefined {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size <= MAX_BYTES ? readFileSync(path, "utf8") : undefined;
  } catch {
    return undefined; // It is gone, or may not be read any more: the hash is only a help.
  }
}
