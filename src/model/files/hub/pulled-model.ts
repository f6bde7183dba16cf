import { existsSync } from "node:fs";
import { UserError } from "../../../base/errors.ts";
import type { HubName, HubSource } from "../../../base/hub-name.ts";
import type { HubAccess } from "./hub-access.ts";
import { cachedCommit, missingFiles, snapshotFolder } from "./snapshot.ts";

/** A model of the hub that lies here. */
export interface PulledModel extends HubSource {
  /** The snapshot in the cache. */
  readonly folder: string;
  /** Fetched now; 0 for what the cache had. */
  readonly bytesFetched: number;
}

/**
 * The model as the cache has it, by what a branch or tag was when it was last asked for.
 * @param weights whether they must be there
 */
export function cachedModel(name: HubName, { cacheFolder }: HubAccess, weights: boolean): PulledModel | undefined {
  const { repo, revision } = name;
  const commit = cachedCommit(cacheFolder, name);
  if (commit === undefined) return undefined;
  const folder = snapshotFolder(cacheFolder, { repo, commit });
  if (!existsSync(folder) || missingFiles(folder, weights).length > 0) return undefined;
  return { repo, revision, commit, folder, bytesFetched: 0 };
}

/** The error when nothing may be fetched. */
export function notCached(name: HubName, { cacheFolder }: HubAccess): UserError {
  const { repo } = name;
  const commit = cachedCommit(cacheFolder, name);
  const folder = commit === undefined ? undefined : snapshotFolder(cacheFolder, { repo, commit });
  const missing = folder !== undefined && existsSync(folder) ? missingFiles(folder, true) : [];
  const lacking = missing.length > 0 ? ` as a whole: ${missing.slice(0, 5).join(", ")} missing` : "";
  return new UserError({
    code: "hub/offline",
    message: `there is no folder ${repo} here, and the cache does not have the model${lacking}; HF_HUB_OFFLINE forbids to fetch it`,
    where: missing.length > 0 ? folder : cacheFolder,
    fix: `unset HF_HUB_OFFLINE, or where there is a network: fettle pull ${repo}`,
  });
}
