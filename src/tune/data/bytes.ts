import { createReadStream, type ReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { messageOf, UserError } from "../../base/errors.ts";

/**
 * Limits on what a compressed file may become. Text shrinks 3 to 10 times, machine-made logs perhaps 100; gzip's own
 * limit is 1032. Below the floor any ratio is harmless, since rows are read as a stream.
 */
const expansionFloor = 64 * 1024 ** 2;
const expansionRatio = 200;

/** The beginnings of files that hold no text, or hold it packed in a way that is not read here. */
const foreignFormats: readonly (readonly [name: string, bytes: readonly number[], fix: string])[] = [
  ["a zstd archive", [0x28, 0xb5, 0x2f, 0xfd], "unpack it with `zstd -d`"],
  ["a zip archive", [0x50, 0x4b, 0x03, 0x04], "unpack it with `unzip`"],
  ["an xz archive", [0xfd, 0x37, 0x7a, 0x58, 0x5a], "unpack it with `xz -d`"],
  ["a bzip2 archive", [0x42, 0x5a, 0x68], "unpack it with `bzip2 -d`"],
  ["a Parquet file", [0x50, 0x41, 0x52, 0x31], "save it as JSONL, for example with DuckDB: COPY … TO 'rows.jsonl'"],
  ["UTF-16 text", [0xff, 0xfe], "save it as UTF-8"],
  ["UTF-16 text", [0xfe, 0xff], "save it as UTF-8"],
];

/**
 * The bytes of a text file, unpacked when its content is gzip, as chunks.
 * @throws UserError when the file is missing, is no regular file, ends in the middle of its gzip stream, expands beyond
 *   the limits, or is of another format
 */
export async function* readBytes(path: string): AsyncGenerator<Buffer> {
  await requireFile(path);
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  try {
    let first = true;
    const source = (await isGzip(path)) ? gunzip(file, path) : (file as AsyncIterable<Buffer>);
    for await (const chunk of source) {
      if (first) refuseForeign(chunk, path);
      first = false;
      yield chunk;
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError({
      code: "data/unreadable",
      message: `cannot be read: ${messageOf(error)}`,
      where: path,
      cause: error,
    });
  } finally {
    file.destroy();
  }
}

/** At most `length` first bytes of the (unpacked) text; what is cut off or broken behind them is no matter. */
export async function readHead(path: string, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of readBytes(path)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= length) break;
  }
  return Buffer.concat(chunks).subarray(0, length);
}

async function requireFile(path: string): Promise<void> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const missing = error.code === "ENOENT";
    const message = missing ? "there is no such data file" : `cannot be read: ${error.message}`;
    throw new UserError({ code: "data/unreadable", message, where: path, cause: error });
  });
  if (info.isFile()) return;
  throw new UserError({
    code: "data/not-a-file",
    message: info.isDirectory() ? "is a folder, not a data file" : "is not a regular file",
    where: path,
    fix: info.isDirectory() ? "name the files in it, as a list" : "copy it to a file first",
  });
}

async function isGzip(path: string): Promise<boolean> {
  for await (const chunk of createReadStream(path, { end: 1 })) {
    const head = chunk as Buffer;
    return head[0] === 0x1f && head[1] === 0x8b;
  }
  return false;
}

async function* gunzip(file: ReadStream, path: string): AsyncGenerator<Buffer> {
  const unpacker = createGunzip({ chunkSize: 256 * 1024 });
  file.on("error", (error) => unpacker.destroy(error));
  let size = 0;
  try {
    for await (const chunk of file.pipe(unpacker)) {
      size += (chunk as Buffer).length;
      if (size > expansionFloor && size > file.bytesRead * expansionRatio) {
        throw new UserError({
          code: "data/expansion",
          message: `${file.bytesRead} bytes unpack to more than ${expansionRatio} times as many, which no text does`,
          where: path,
        });
      }
      yield chunk as Buffer;
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined || !code.startsWith("Z_")) throw error;
    const cut = code === "Z_BUF_ERROR";
    throw new UserError({
      code: "data/broken-gzip",
      message: `the gzip stream ${cut ? "ends too early" : `is damaged (${messageOf(error)})`}, after ${size} bytes of text`,
      where: path,
      fix: "get the file again; its size or checksum is not what its source says",
      cause: error,
    });
  } finally {
    unpacker.destroy();
  }
}

function refuseForeign(head: Buffer, path: string): void {
  const foreign = foreignFormats.find(([, bytes]) => bytes.every((byte, i) => head[i] === byte));
  if (foreign !== undefined) {
    const [name, , fix] = foreign;
    throw new UserError({ code: "data/foreign-format", message: `is ${name}`, where: path, fix });
  }
  if (head.subarray(0, 8192).includes(0)) {
    throw new UserError({
      code: "data/binary",
      message: "holds binary data, not text",
      where: path,
      fix: "rows are read from JSONL, JSON, CSV, TSV or plain text, each also packed with gzip",
    });
  }
}
