import { closeSync, createWriteStream, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/** Standard input as a file, which data readers can read more than once; it is deleted when disposed of. */
export interface SpooledInput extends Disposable {
  readonly path: string;
  /** JSON lines tell themselves; anything else is taken for a text a line. */
  readonly format: "auto" | "text";
}

export async function spoolStdin(): Promise<SpooledInput> {
  const folder = mkdtempSync(join(tmpdir(), "fettle-stdin-"));
  const path = join(folder, "stdin");
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    await pipeline(process.stdin, createWriteStream(path));
    return { path, format: startsWithBrace(path) ? "auto" : "text", [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function startsWithBrace(path: string): boolean {
  const head = Buffer.alloc(1024);
  const descriptor = openSync(path, "r");
  try {
    return head.toString("utf8", 0, readSync(descriptor, head)).trimStart().startsWith("{");
  } finally {
    closeSync(descriptor);
  }
}
