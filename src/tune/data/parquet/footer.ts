import { type FileMetaData, parquetMetadata, parquetSchema, type SchemaTree } from "hyparquet";
import { messageOf, UserError } from "../../../base/errors.ts";
import type { RandomAccess } from "../random-access.ts";
import { checkThrift } from "./check-thrift.ts";
import { parsers } from "./plain-value.ts";

/** Both ends of every Parquet file. */
export const parquetMagic: Buffer = Buffer.from("PAR1");
const encryptedMagic = "PARE";

/** Descriptions of a file with ten thousand row groups of a hundred columns stay below this. */
const maxFooterBytes = 64 * 1024 ** 2;
const maxColumns = 10_000;
const deepestSchema = 32;

export interface Footer {
  readonly metadata: FileMetaData;
  /** Its children are the columns, as trees of lists and structures. */
  readonly schema: SchemaTree;
}

/** What a file says about itself, checked before it is believed. @throws UserError when it is damaged */
export async function readFooter(file: RandomAccess, where: string): Promise<Footer> {
  try {
    if (file.size < 12) throw new RangeError("it ends too early");
    const tail = await file.read(file.size - 8, 8);
    const magic = tail.toString("latin1", 4);
    if (magic === encryptedMagic) throw new RangeError("it is encrypted");
    if (magic !== "PAR1") throw new RangeError("it does not end with PAR1: it may have been cut off");
    const length = tail.readUInt32LE(0);
    if (length > file.size - 12) throw new RangeError(`its footer says it has ${length} bytes, more than the file`);
    if (length > maxFooterBytes) throw new RangeError(`its footer has ${length} bytes, more than ${maxFooterBytes}`);
    const footer = await file.read(file.size - 8 - length, length + 8);
    checkThrift(footer.subarray(0, length), 0);
    const metadata = parquetMetadata(footer, { parsers, geoparquet: false });
    checkSchema(metadata);
    return { metadata, schema: parquetSchema(metadata) };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw brokenParquet(messageOf(error), where, error);
  }
}

function checkSchema({ schema }: FileMetaData): void {
  if (schema.length > maxColumns) throw new RangeError(`it says it has ${schema.length} columns`);
  /** Children that are still to come, per level. */
  const open: number[] = [];
  for (const { num_children: children = 0 } of schema) {
    while (open.at(-1) === 0) open.pop();
    if (open.length > 0) open[open.length - 1]!--;
    if (children > 0) open.push(children);
    if (open.length > deepestSchema) throw new RangeError(`its columns are nested more than ${deepestSchema} deep`);
  }
  if (open.some((children) => children > 0)) throw new RangeError("its list of columns ends too early");
}

/** @param where the file, perhaps with row group and column */
export function brokenParquet(what: string, where: string, cause?: unknown): UserError {
  return new UserError({
    code: "data/broken-parquet",
    message: `the Parquet file cannot be used: ${what.replace(/^parquet /, "")}`,
    where,
    fix: "get the file again, or write it anew with another tool (codecs: snappy, gzip, zstd, brotli)",
    cause,
  });
}
