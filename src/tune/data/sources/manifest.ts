import { realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { UserError } from "../../../base/errors.ts";
import { detectFormat, type RowSource } from "../format.ts";
import type { Problems } from "../problems.ts";
import type { RawRow, RowReader } from "../row.ts";
import { fileSource } from "../source.ts";
import { readText } from "./folder-rows.ts";

/** Files that list those of a folder, as Hugging Face's folder loaders have them too. */
const manifestName = /^(manifest|metadata)\.(csv|tsv|jsonl)$/i;
const pathFields = ["file_name", "path", "file", "filename"] as const;

export function findManifest(files: readonly string[]): string | undefined {
  return files.find((path) => manifestName.test(path));
}

/**
 * The rows of a manifest, each with the content of the file that it names as `text`.
 * @throws UserError when no column names files
 */
export async function manifestRows(folder: string, manifest: string): Promise<RowSource> {
  const list = await detectFormat(fileSource(join(folder, manifest)), { format: "auto", header: true, columns: [] });
  return {
    name: folder,
    format: "folder",
    reason: `${manifest} names its files`,
    read: (problems) => readListed(folder, list, problems),
  };
}

async function* readListed(folder: string, list: RowSource, problems: Problems): RowReader {
  const root = await realpath(folder);
  for await (const batch of list.read(problems)) {
    for (const { line, fields } of batch) {
      const field = pathFields.find((name) => Object.hasOwn(fields, name));
      if (field === undefined) throw noPaths(list.name, Object.keys(fields));
      const place = `${list.name}:${line}`;
      const path = await fileWithin(root, folder, fields[field]);
      if (path === undefined) {
        problems.skip(place, "names no file of the folder", String(fields[field]));
        continue;
      }
      const text = await readText(path, problems);
      // One file is enough to hold at a time.
      if (text !== undefined) yield [{ line, file: list.name, fields: { ...fields, text } }] satisfies RawRow[];
    }
  }
}

async function fileWithin(root: string, folder: string, name: unknown): Promise<string | undefined> {
  if (typeof name !== "string" || name.includes("\0")) return undefined;
  const path = join(folder, name);
  const target = await realpath(path).catch(() => undefined);
  return target?.startsWith(root + sep) ? path : undefined;
}

function noPaths(where: string, fields: readonly string[]): UserError {
  return new UserError({
    code: "data/manifest",
    message: `no column names the files; there are ${fields.slice(0, 12).join(", ")}`,
    where,
    fix: `call it ${pathFields.join(" or ")}`,
  });
}
