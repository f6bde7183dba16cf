import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { DataOptions } from "../../base/recipe/recipe.ts";
import { detectFormat, type RowSource } from "./format.ts";
import type { Problems } from "./problems.ts";
import type { RawRow } from "./row.ts";
import { findSources } from "./sources/find-sources.ts";
import type { Part } from "./sources/parts.ts";
import { brokenStreamCode } from "./unpack/unpacker.ts";

/** How files are written. */
export type FileOptions = Pick<DataOptions, "format" | "header" | "columns"> &
  Partial<Pick<DataOptions, "labels" | "annotators" | "control">>;

/**
 * Finds the files that paths mean and how they are written, and tells it.
 * @param part which part of an archive; all of it where it is none of the three
 * @throws UserError when one cannot be read, or has an unknown format
 */
export async function openDataFiles(
  paths: readonly string[],
  data: FileOptions,
  onEvent: EventSink,
  part?: Part,
): Promise<readonly RowSource[]> {
  const { format, header, columns, labels = null, annotators, control } = data;
  // Labels that are declared by their indices are meant to be found as such.
  const rawClasses =
    labels !== null && !Array.isArray(labels) && Object.keys(labels).every((name) => /^\d+$/.test(name));
  const hints = { format, header, columns: Object.values(columns), rawClasses, annotators, control };
  const files: RowSource[] = [];
  for (const path of paths) {
    for (const found of await findSources(path, { part, format, onEvent })) {
      const file = "read" in found ? found : await detectFormat(found, hints);
      files.push(file);
      onEvent({ kind: "choice", name: `format of ${file.name}`, value: file.format, reason: file.reason });
    }
  }
  return files;
}

/** A row and where it is. */
export interface PlacedRow {
  readonly raw: RawRow;
  /** The file that its line is in. */
  readonly path: string;
  readonly source: RowSource;
}

/**
 * The rows of files, one file after the other, none held.
 * @param problems rows that cannot be read
 * @throws UserError when a file is of no use from somewhere on
 */
export async function* readDataFiles(files: readonly RowSource[], problems: Problems): AsyncGenerator<PlacedRow> {
  for (const file of files) {
    let lastLine = 0;
    try {
      for await (const batch of file.read(problems)) {
        for (const raw of batch) yield { raw, path: raw.file ?? file.name, source: file };
        lastLine = batch.at(-1)?.line ?? lastLine;
      }
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== brokenStreamCode) throw error;
      const message = `${error.message}; the last whole row began on line ${lastLine}`;
      throw new UserError({ code: error.code, message, where: error.where, fix: error.fix, cause: error });
    }
  }
}
