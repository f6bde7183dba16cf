import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { UserError } from "../../base/errors.ts";

/** Bytes that can be read from the beginning as often as wanted: a file, or a member of an archive. */
export interface Source {
  /** What events and errors call it: `train.jsonl`, `java.tar.gz!train.jsonl`. */
  readonly name: string;
  /** Its path where it is a file by itself, so that it can be read in any order. */
  readonly path: string | undefined;
  /**
   * The bytes as they are stored, before anything is unpacked. Leaving the loop closes what it opened.
   * @throws UserError when it cannot be opened
   */
  open(): AsyncGenerator<Buffer>;
}

const chunkBytes = 256 * 1024;

/** @param name what to call it, where that is not its path */
export function fileSource(path: string, name: string = path): Source {
  return {
    name,
    path,
    async *open() {
      await requireFile(path, name);
      const stream = createReadStream(path, { highWaterMark: chunkBytes });
      try {
        for await (const chunk of stream) yield chunk as Buffer;
      } finally {
        stream.destroy();
      }
    },
  };
}

async function requireFile(path: string, where: string): Promise<void> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const missing = error.code === "ENOENT";
    const message = missing ? "there is no such data file" : `cannot be read: ${error.message}`;
    throw new UserError({ code: "data/unreadable", message, where, cause: error });
  });
  if (info.isFile()) return;
  throw new UserError({
    code: "data/not-a-file",
    message: info.isDirectory() ? "is a folder, not a data file" : "is not a regular file",
    where,
    fix: info.isDirectory() ? "name the files in it, as a list" : "copy it to a file first",
  });
}
