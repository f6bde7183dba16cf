import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../../base/errors.ts";
import type { RowSource } from "../format.ts";
import { maxRowBytes } from "../lines.ts";
import type { Problems } from "../problems.ts";
import type { RawRow, RowReader } from "../row.ts";
import type { FolderListing } from "./list-folder.ts";

/** Text that is held at a time. */
const batchBytes = 1024 ** 2;

/** Files of a folder as rows: each is `text`, with its `path`, and as `label` the sub-folder that it is in. */
export function folderRows(folder: string, { files, left }: FolderListing): RowSource {
  const folders = new Set(files.flatMap((path) => labelOf(path) ?? []));
  return {
    name: folder,
    format: "folder",
    reason:
      folders.size === 0
        ? `${counted(files.length, "file")}, each a row`
        : `${counted(files.length, "file")} in ${counted(folders.size, "sub-folder")}, each a row and its sub-folder the label`,
    read: (problems) => readFiles(folder, files, left, problems),
  };
}

async function* readFiles(
  folder: string,
  files: readonly string[],
  left: FolderListing["left"],
  problems: Problems,
): RowReader {
  for (const { path, reason } of left) problems.skip(join(folder, path), `${reason}: the file is left out`);
  let rows: RawRow[] = [];
  let size = 0;
  for (const path of files) {
    const text = await readText(join(folder, path), problems);
    if (text === undefined) continue;
    const label = labelOf(path);
    rows.push({ line: 1, file: join(folder, path), fields: { text, ...(label !== undefined && { label }), path } });
    size += text.length;
    if (size < batchBytes) continue;
    yield rows;
    rows = [];
    size = 0;
  }
  yield rows;
}

/** A file's text; undefined (and counted) for one that is too long, cannot be read, or is no text. */
export async function readText(path: string, problems: Problems): Promise<string | undefined> {
  let bytes: Buffer;
  try {
    if ((await stat(path)).size > maxRowBytes) {
      problems.skip(path, `longer than ${maxRowBytes / 1024 ** 2} MiB`);
      return undefined;
    }
    bytes = await readFile(path);
  } catch (error) {
    problems.skip(path, "cannot be read", messageOf(error));
    return undefined;
  }
  if (bytes.includes(0)) {
    problems.skip(path, "holds binary data, not text");
    return undefined;
  }
  if (!isUtf8(bytes)) problems.change(`${path}:1`, "invalid UTF-8, replaced by U+FFFD");
  return bytes.toString("utf8").replace(/^\uFEFF/, "");
}

function labelOf(path: string): string | undefined {
  const end = path.indexOf("/");
  return end < 0 ? undefined : path.slice(0, end);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
