import { ReadableStream } from "node:stream/web";
import { createTarDecoder, type ParsedTarEntry, type TarHeader } from "modern-tar";
import { messageOf, UserError } from "../../../base/errors.ts";
import { readBytes } from "../bytes.ts";
import type { Source } from "../source.ts";
import type { Member } from "./choose-members.ts";

/** Beyond this an archive is no data set in a few files, and a list of it no help. */
const maxEntries = 100_000;
const longestName = 1024;

/** Bytes from the beginning that tell a tar archive. */
export const tarHeadBytes = 512;

/** POSIX and GNU archives, by their magic. */
export function isTar(head: Buffer): boolean {
  return head.length >= tarHeadBytes && head.toString("latin1", 257, 262) === "ustar";
}

/**
 * The files of an archive, packed or not. Each can be read by itself, as a stream: the archive is read up to it.
 * @throws UserError when an entry is a link or a device, or its name leads out of the archive
 */
export async function listTar(archive: Source): Promise<readonly Member[]> {
  const paths = new Set<string>();
  let entries = 0;
  for await (const { header, body } of tarEntries(archive)) {
    if (++entries > maxEntries) throw refused(archive, `it has more than ${maxEntries} entries`);
    await body.cancel();
    const path = checkedPath(header, archive);
    if (header.type === "directory") continue;
    if (paths.has(path)) throw refused(archive, `"${path}" is in it twice`);
    paths.add(path);
  }
  return [...paths].map((path) => ({ path, source: memberSource(archive, path) }));
}

function memberSource(archive: Source, path: string): Source {
  return {
    name: `${archive.name}/${path}`,
    path: undefined,
    async *open() {
      for await (const { header, body } of tarEntries(archive)) {
        if (header.type === "directory" || checkedPath(header, archive) !== path) {
          await body.cancel();
          continue;
        }
        for await (const chunk of body) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
        return;
      }
      throw refused(archive, `"${path}" is no longer in it`);
    },
  };
}

async function* tarEntries(archive: Source): AsyncGenerator<ParsedTarEntry> {
  const decoder = createTarDecoder({ strict: true });
  try {
    // Its types are the browser's; these are the same streams.
    const packed = ReadableStream.from(readBytes(archive)) as unknown as globalThis.ReadableStream<Uint8Array>;
    for await (const entry of packed.pipeThrough(decoder)) yield entry;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError({
      code: "data/broken-archive",
      message: `the tar archive is damaged or cut off (${messageOf(error)})`,
      where: archive.name,
      fix: "get it again; its size or checksum is not what its source says",
      cause: error,
    });
  }
}

/** The entry's path without `./` and slashes at its end. @throws UserError when it is no plain file or folder within */
function checkedPath({ name, type = "file" }: TarHeader, archive: Source): string {
  const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
  if (type !== "file" && type !== "directory")
    throw refused(archive, `the entry ${shown} is a ${type.replaceAll("-", " ")}`);
  if (name.length > longestName) throw refused(archive, `the entry ${shown} has a name of ${name.length} characters`);
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  const leaves = name.startsWith("/") || /^[a-z]:/i.test(name) || parts.includes("..");
  if (leaves) throw refused(archive, `the entry ${shown} would lie outside of it`);
  if (/[\\\p{Cc}]/u.test(name)) throw refused(archive, `the entry ${shown} has a character that no path should have`);
  return parts.join("/");
}

function refused(archive: Source, what: string): UserError {
  return new UserError({
    code: "data/unsafe-archive",
    message: `the archive is refused: ${what}`,
    where: archive.name,
    fix: "an archive of data has plain files in folders; pack it anew from those you trust",
  });
}
