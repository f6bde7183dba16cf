import { UserError } from "../../base/errors.ts";

/** The beginnings of files that hold no text, or hold it packed in a way that is not read here. */
const foreignFormats: readonly (readonly [name: string, bytes: readonly number[], fix: string])[] = [
  ["a Parquet file", [0x50, 0x41, 0x52, 0x31], "leave data.format out, and it is read as what it is"],
  ["a gzip archive within another", [0x1f, 0x8b], "unpack it once with `gunzip`"],
  ["a zstd archive within another", [0x28, 0xb5, 0x2f, 0xfd], "unpack it once with `zstd -d`"],
  ["a zip archive", [0x50, 0x4b, 0x03, 0x04], "unpack it with `unzip`"],
  ["an xz archive", [0xfd, 0x37, 0x7a, 0x58, 0x5a], "unpack it with `xz -d`"],
  ["a bzip2 archive", [0x42, 0x5a, 0x68], "unpack it with `bzip2 -d`"],
  ["UTF-16 text", [0xff, 0xfe], "save it as UTF-8"],
  ["UTF-16 text", [0xfe, 0xff], "save it as UTF-8"],
];

/** @throws UserError when what begins so is no text in UTF-8 */
export function refuseForeign(head: Buffer, where: string): void {
  const foreign = foreignFormats.find(([, bytes]) => bytes.every((byte, i) => head[i] === byte));
  if (foreign !== undefined) {
    const [name, , fix] = foreign;
    throw new UserError({ code: "data/foreign-format", message: `is ${name}`, where, fix });
  }
  if (head.subarray(0, 8192).includes(0)) {
    throw new UserError({
      code: "data/binary",
      message: "holds binary data, not text",
      where,
      fix: "rows are read from JSONL, JSON, CSV, TSV, Parquet or plain text, each also packed with gzip or zstd",
    });
  }
}
