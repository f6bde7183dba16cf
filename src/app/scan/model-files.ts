/** sha256 of a model's files, computed once for as long as a file stays as it is. */
import { createHash } from "node:crypto";
import { createReadStream, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../model/files/atomic.ts";

/** Smaller files are read as quickly as looked up. */
const REMEMBERED_BYTES = 2 ** 22;
/** Of what is remembered, the newest stay. */
const MOST_REMEMBERED = 1000;

/** sha256 by path, size, time of change and inode. */
type Remembered = Record<string, string>;

/**
 * One sha256 of all files that answers can depend on, documents aside.
 * @param folders of the model and its adapter
 * @param memory file that large files' hashes are remembered in; undefined: they are not
 */
export async function hashModelFiles(folders: readonly string[], memory: string | undefined): Promise<string> {
  const known = memory === undefined ? {} : readMemory(memory);
  const learnt: Remembered = {};
  const hash = createHash("sha256");
  for (const [i, folder] of folders.entries()) {
    const names = readdirSync(folder, { withFileTypes: true }).flatMap(({ name }) => (isDocument(name) ? [] : [name]));
    for (const name of names.sort()) {
      const path = realpathSync(join(folder, name));
      const { size, mtimeNs, ino, dev } = statSync(path, { bigint: true });
      if (!statSync(path).isFile()) continue;
      const key = [path, size, mtimeNs, ino, dev].join(" ");
      const own = known[key] ?? (await hashFile(path));
      if (size >= REMEMBERED_BYTES && known[key] === undefined) learnt[key] = own;
      hash.update(`${i} ${name} ${own}\n`);
    }
  }
  if (memory !== undefined && Object.keys(learnt).length > 0) remember(memory, { ...known, ...learnt });
  return hash.digest("hex");
}

function isDocument(name: string): boolean {
  return name.startsWith(".") || /\.(md|txt|png)$/i.test(name) ? name !== "merges.txt" && name !== "vocab.txt" : false;
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk);
  return hash.digest("hex");
}

function readMemory(path: string): Remembered {
  try {
    const json: unknown = JSON.parse(readFileSync(path, "utf8"));
    const entries = Object.entries((json ?? {}) as object);
    return Object.fromEntries(entries.filter(([, value]) => /^[0-9a-f]{64}$/.test(String(value))));
  } catch {
    return {};
  }
}

/** What cannot be remembered is computed again. */
function remember(path: string, hashes: Remembered): void {
  const newest = Object.entries(hashes).slice(-MOST_REMEMBERED);
  try {
    makeFolder(join(path, ".."));
    writeFileAtomic(path, JSON.stringify(Object.fromEntries(newest)));
  } catch {}
}
