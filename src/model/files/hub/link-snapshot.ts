import { existsSync, linkSync, lstatSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { isCommit } from "../../../base/hub-name.ts";
import { makeFolder, writeFileAtomic } from "../atomic.ts";
import { fileError } from "../file-error.ts";
import type { HubFile } from "./download-blob.ts";

/**
 * Gives blobs their names in a snapshot. What makes a folder a model, its config, comes last: nothing takes a snapshot
 * for whole before it is.
 * @throws UserError when the folder cannot be written
 */
export function linkSnapshot(files: readonly HubFile[], blobs: string, snapshot: string): void {
  makeFolder(snapshot);
  const isConfig = ({ name }: HubFile): boolean => name === "config.json" || name === "adapter_config.json";
  const ordered = [...files.filter((file) => !isConfig(file)), ...files.filter(isConfig)];
  for (const { name, digest } of ordered) {
    if (name.includes("/")) makeFolder(dirname(join(snapshot, name)));
    linkFile(join(blobs, digest), join(snapshot, name));
  }
}

function linkFile(blob: string, path: string): void {
  try {
    if (existsSync(path)) return;
    // A link to a blob that was deleted.
    if (lstatSync(path, { throwIfNoEntry: false })) rmSync(path);
    try {
      symlinkSync(relative(dirname(path), blob), path);
    } catch (error) {
      // Windows lets only some users make symbolic links; the other kind takes no space either.
      if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
      linkSync(blob, path);
    }
  } catch (error) {
    throw fileError("write", path, error);
  }
}

/** Notes which commit a branch or tag is at; a commit needs no note. @throws UserError when it cannot be written */
export function writeRef(repoFolder: string, revision: string, commit: string): void {
  if (isCommit(revision)) return;
  const path = join(repoFolder, "refs", revision);
  makeFolder(dirname(path));
  writeFileAtomic(path, commit);
}
