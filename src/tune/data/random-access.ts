import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf, UserError } from "../../base/errors.ts";
import { readBytes } from "./bytes.ts";
import type { Source } from "./source.ts";

/** A file that is read in any order. */
export class RandomAccess implements AsyncDisposable {
  readonly size: number;
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  /**
   * A source that is a plain file is read where it is. One that is packed, or lies in an archive, is unpacked into a file
   * without a name, which is gone with the process.
   * @param magic what the content begins with: a file that begins otherwise is packed
   * @throws UserError when it cannot be read, or the disk is full
   */
  static async open(source: Source, magic: Buffer): Promise<RandomAccess> {
    try {
      if (source.path !== undefined) {
        const handle = await open(source.path, "r");
        const head = Buffer.alloc(magic.length);
        await handle.read(head, 0, head.length, 0);
        if (head.equals(magic)) return new RandomAccess(handle, (await handle.stat()).size);
        await handle.close();
      }
      return await RandomAccess.#unpacked(source);
    } catch (error) {
      if (error instanceof UserError) throw error;
      const message = `cannot be read: ${messageOf(error)}`;
      throw new UserError({ code: "data/unreadable", message, where: source.name, cause: error });
    }
  }

  static async #unpacked(source: Source): Promise<RandomAccess> {
    const path = join(tmpdir(), `fettle-${randomUUID()}`);
    const handle = await open(path, "wx+", 0o600);
    try {
      await unlink(path);
      let size = 0;
      for await (const chunk of readBytes(source)) {
        await handle.write(chunk, 0, chunk.length, size);
        size += chunk.length;
      }
      return new RandomAccess(handle, size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Exactly these bytes. @throws RangeError when the file does not have them */
  async read(start: number, length: number): Promise<Buffer> {
    if (start < 0 || length < 0 || start + length > this.size) throw new RangeError("it points outside of the file");
    // Not from a pool: typed arrays are laid over it.
    const bytes = Buffer.from(new ArrayBuffer(length));
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, start + done);
      if (bytesRead === 0) throw new RangeError("the file has become shorter");
      done += bytesRead;
    }
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}
