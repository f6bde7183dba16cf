import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { UserError } from "../../base/errors.ts";
import { fileError } from "../../model/files/file-error.ts";

/** A file written line by line. */
export class LineFile implements Disposable {
  readonly #path: string;
  readonly #descriptor: number;

  /**
   * @param inputs files that are read meanwhile
   * @throws UserError when it cannot be made, or is one of the inputs
   */
  constructor(path: string, inputs: readonly string[]) {
    this.#path = path;
    refuseInput(path, inputs);
    try {
      this.#descriptor = openSync(path, "w");
    } catch (error) {
      throw fileError("write", path, error);
    }
  }

  /** @throws UserError when the disk is full */
  line(text: string): void {
    try {
      writeSync(this.#descriptor, `${text}\n`);
    } catch (error) {
      throw fileError("write", this.#path, error);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

/** @throws UserError where a file to be written is one that is read */
export function refuseInput(path: string, inputs: readonly string[]): void {
  if (!inputs.some((input) => isSameFile(input, path))) return;
  throw new UserError({
    code: "cli/overwrites-input",
    message: "this file is read, and would be overwritten",
    where: path,
    fix: "name another file to write to",
  });
}

function isSameFile(first: string, second: string): boolean {
  const [a, b] = [first, second].map((path) => statSync(path, { throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;
}
