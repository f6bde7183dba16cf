import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { UserError } from "../../../base/errors.ts";
import { fileError } from "../file-error.ts";

/** What the hub says about a file's content. */
export interface Content {
  /** In bytes. */
  readonly size: number;
  readonly algorithm: "sha256" | "git-sha1";
  /** In hex; the name of the blob in the cache, too. */
  readonly digest: string;
}

/** A file on its way: what is there so far, with its hash, and what comes after. */
export class PartialFile {
  readonly path: string;
  readonly #content: Content;
  readonly #file: FileHandle;
  #hash: Hash;
  #size = 0;

  private constructor(path: string, content: Content, file: FileHandle) {
    this.path = path;
    this.#content = content;
    this.#file = file;
    this.#hash = hashOf(content);
  }

  /** Takes up what an earlier try left, which is hashed; of a file that is too long nothing is kept. */
  static async open(path: string, content: Content): Promise<PartialFile> {
    try {
      const partial = new PartialFile(path, content, await open(path, "a+"));
      try {
        await partial.#readBack();
        return partial;
      } catch (error) {
        await partial.close();
        throw error;
      }
    } catch (error) {
      throw fileError("write", path, error);
    }
  }

  /** Bytes there are. */
  get size(): number {
    return this.#size;
  }

  /** @throws UserError when the disk is full, or it would be more than the file has */
  async append(bytes: Uint8Array): Promise<void> {
    if (this.#size + bytes.length > this.#content.size) throw tooLong(this.path, this.#content);
    try {
      await this.#file.appendFile(bytes);
    } catch (error) {
      throw fileError("write", this.path, error);
    }
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }

  /** Back to nothing. */
  async restart(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = hashOf(this.#content);
    this.#size = 0;
  }

  /** Whether all of it is there, byte for byte as the hub has it. */
  isWhole(): boolean {
    return this.#size === this.#content.size && this.#hash.copy().digest("hex") === this.#content.digest;
  }

  /** Puts it on the disk for good. @throws UserError when the disk is full */
  async flush(): Promise<void> {
    try {
      await this.#file.sync();
    } catch (error) {
      throw fileError("write", this.path, error);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #readBack(): Promise<void> {
    const { size } = await this.#file.stat();
    if (size > this.#content.size) return this.restart();
    for await (const chunk of this.#file.createReadStream({ start: 0, autoClose: false })) this.#hash.update(chunk);
    this.#size = size;
  }
}

/** Git hashes a header in front of the content. */
function hashOf({ algorithm, size }: Content): Hash {
  return algorithm === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}

function tooLong(path: string, { size }: Content): UserError {
  return new UserError({
    code: "hub/wrong-size",
    message: `the server sends more than the ${size} bytes that the file has`,
    where: path,
    fix: "check that no proxy answers in place of the hub",
  });
}
