import { randomUUID } from "node:crypto";
import { closeSync, mkdirSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { messageOf, UserError } from "../../../base/errors.ts";

/** Where rows and tokens go that are too many for memory. */
export interface Scratch {
  readonly folder: string;
  /** Bytes of one set that are kept in memory; beyond them all of it goes to disk. */
  readonly memoryBytes: number;
}

/** @param cacheFolder default: ~/.cache/fettle */
export function scratchIn(cacheFolder: string | undefined): Scratch {
  return { folder: join(cacheFolder ?? join(homedir(), ".cache", "fettle"), "scratch"), memoryBytes: 32 * 1024 ** 2 };
}

export const defaultScratch: Scratch = scratchIn(undefined);

/** A forgotten file is closed, which frees its space. */
const forgotten = new FinalizationRegistry<number>((descriptor) => closeSync(descriptor));

/**
 * A file without a name: it is deleted as soon as it is open, so that its space is free again however the process ends.
 */
export class ScratchFile {
  readonly #folder: string;
  readonly #descriptor: number;
  #length = 0;

  /** @throws UserError when the folder cannot be written to */
  constructor(folder: string) {
    this.#folder = folder;
    this.#descriptor = this.#attempt(() => {
      mkdirSync(folder, { recursive: true });
      const path = join(folder, randomUUID());
      const descriptor = openSync(path, "wx+", 0o600);
      unlinkSync(path);
      return descriptor;
    });
    forgotten.register(this, this.#descriptor);
  }

  get length(): number {
    return this.#length;
  }

  /** @throws UserError when the disk is full */
  append(bytes: Uint8Array): void {
    this.#attempt(() => {
      for (let done = 0; done < bytes.length; ) {
        done += writeSync(this.#descriptor, bytes, done, bytes.length - done, this.#length + done);
      }
    });
    this.#length += bytes.length;
  }

  /** Fills the bytes from a position on; as many as there are. */
  read(position: number, into: Uint8Array): void {
    this.#attempt(() => {
      for (let done = 0; done < into.length; ) {
        const count = readSync(this.#descriptor, into, done, into.length - done, position + done);
        if (count === 0) return;
        done += count;
      }
    });
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      const isFull = ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "");
      throw new UserError({
        code: isFull ? "data/disk-full" : "data/scratch",
        message: isFull
          ? `the disk is full: ${Math.ceil(this.#length / 1024 ** 2)} MiB of rows that do not fit memory were put there`
          : `rows that do not fit memory cannot be put there: ${messageOf(error)}`,
        where: this.#folder,
        fix: "free space there, or name a folder on another disk: FETTLE_CACHE=FOLDER",
        cause: error,
      });
    }
  }
}
