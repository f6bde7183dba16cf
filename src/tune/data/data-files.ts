import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { DataOptions } from "../../base/recipe/recipe.ts";
import { detectFormat, type RowSource } from "./format.ts";
import type { Problems } from "./problems.ts";
import type { RawRow } from "./row.ts";
import { fileSource } from "./source.ts";
import { brokenStreamCode } from "./unpack/unpacker.ts";

/**
 * Finds out how files are written, and tells it.
 * @throws UserError when one cannot be read, or has an unknown format
 */
export async function openDataFiles(
  paths: readonly string[],
  data: Pick<DataOptions, "format" | "header" | "columns">,
  onEvent: EventSink,
): Promise<readonly RowSource[]> {
  const hints = { format: data.format, header: data.header, columns: Object.values(data.columns) };
  const files: RowSource[] = [];
  for (const path of paths) {
    const file = await detectFormat(fileSource(path), hints);
    files.push(file);
    onEvent({ kind: "choice", name: `format of ${file.name}`, value: file.format, reason: file.reason });
  }
  return files;
}

/**
 * The rows of files, one file after the other, none held.
 * @param problems rows that cannot be read
 * @throws UserError when a file is of no use from somewhere on
 */
export async function* readDataFiles(
  files: readonly RowSource[],
  problems: Problems,
): AsyncGenerator<{ readonly raw: RawRow; readonly path: string }> {
  for (const file of files) {
    let lastLine = 0;
    try {
      for await (const batch of file.read(problems)) {
        for (const raw of batch) yield { raw, path: raw.file ?? file.name };
        lastLine = batch.at(-1)?.line ?? lastLine;
      }
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== brokenStreamCode) throw error;
      const message = `${error.message}; the last whole row began on line ${lastLine}`;
      throw new UserError({ code: error.code, message, where: error.where, fix: error.fix, cause: error });
    }
  }
}
