import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../../base/errors.ts";
import { fileError } from "../file-error.ts";
import type { HubClient } from "./hub-client.ts";
import { TransferError } from "./hub-errors.ts";
import { type Content, PartialFile } from "./partial-file.ts";

/** A file of a model. */
export interface HubFile extends Content {
  readonly name: string;
}

export interface BlobOptions {
  readonly client: HubClient;
  readonly commit: string;
  /** Folder `blobs` of the repository in the cache. */
  readonly blobs: string;
  /** Told how many bytes more there are; negative when some were of no use. */
  readonly onBytes: (bytes: number) => void;
}

/** True when the blob is there, whole by its size: it got its name only after its hash was checked. */
export async function hasBlob(blobs: string, { digest, size }: Content): Promise<boolean> {
  try {
    return (await stat(join(blobs, digest))).size === size;
  } catch {
    return false;
  }
}

/**
 * Fetches a file into `blobs`, going on where an earlier try stopped. It gets its name only when it is whole and its
 * hash is right.
 * @throws UserError when the hub refuses it, the disk is full, or what comes is not what the hub promised
 */
export async function downloadBlob(file: HubFile, { client, commit, blobs, onBytes }: BlobOptions): Promise<void> {
  const path = join(blobs, file.digest);
  const partial = await PartialFile.open(`${path}.incomplete`, file);
  let told = 0;
  const tell = (): void => {
    onBytes(partial.size - told);
    told = partial.size;
  };
  try {
    const resumed = partial.size > 0;
    tell();
    await fetchRest(file, partial, client, commit, tell);
    // An earlier try may have left something else than the beginning of this file.
    if (!partial.isWhole() && resumed) {
      await partial.restart();
      await fetchRest(file, partial, client, commit, tell);
    }
    if (!partial.isWhole()) throw wrongHash(file, client);
    await partial.flush();
  } catch (error) {
    await partial.close();
    if (error instanceof UserError && ["hub/wrong-hash", "hub/wrong-size"].includes(error.code)) await rm(partial.path);
    throw error;
  }
  await partial.close();
  try {
    await rename(partial.path, path);
  } catch (error) {
    throw fileError("write", path, error);
  }
}

async function fetchRest(
  { name, size }: HubFile,
  partial: PartialFile,
  client: HubClient,
  commit: string,
  tell: () => void,
): Promise<void> {
  let before = partial.size;
  const attempt = async (): Promise<void> => {
    before = partial.size;
    if (partial.size === size) return;
    const { start, chunks } = await client.file(name, commit, partial.size);
    if (start !== partial.size) {
      await partial.restart();
      if (start > 0) throw new TransferError("the server sends another part of the file than was asked for");
    }
    for await (const chunk of chunks) {
      await partial.append(chunk);
      tell();
    }
    if (partial.size < size) throw new TransferError("the connection was cut");
  };
  await client.patiently(attempt, () => partial.size > before);
}

function wrongHash({ name, digest, algorithm }: HubFile, { name: { repo } }: HubClient): UserError {
  return new UserError({
    code: "hub/wrong-hash",
    message: `what came is not the file: its ${algorithm === "sha256" ? "sha256" : "git sha1"} is not ${digest}`,
    where: `${repo}/${name}`,
    fix: "nothing of it was kept: try again; if it stays so, a proxy on the way or the server changes the file",
  });
}
