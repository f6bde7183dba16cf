import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import type { HubName, HubSource } from "../../../base/hub-name.ts";
import { makeFolder } from "../atomic.ts";
import { hasBlob } from "./download-blob.ts";
import { fetchBlobs } from "./fetch-blobs.ts";
import type { HubAccess } from "./hub-access.ts";
import { HubClient } from "./hub-client.ts";
import { linkSnapshot, writeRef } from "./link-snapshot.ts";
import { listUnlessUnreachable, type Repository } from "./list-repository.ts";
import { lockRepository } from "./lock-repository.ts";
import { cachedCommit, repoFolderName, snapshotFolder } from "./snapshot.ts";

export interface OpenDatasetOptions {
  /** Aborting it ends the download; what there is of it is kept for the next time. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent: EventSink;
}

/** A commit of a data set on the hub, or what the cache has of it. */
export interface HubDataset {
  readonly source: HubSource;
  /** Paths of its files; where nothing may be or can be fetched, of those that lie here. */
  readonly paths: readonly string[];
  /** False where only the cache was looked at, which may lack files. */
  readonly complete: boolean;
  /**
   * Files of it, fetched where the cache lacks them.
   * @returns their paths here, in the same order
   * @throws UserError when the hub refuses, the disk is full, or what comes is damaged
   */
  fetch(paths: readonly string[]): Promise<readonly string[]>;
}

/** Text of a card, or other small files. */
const MAX_TEXT_BYTES = 4 * 2 ** 20;

/**
 * @throws UserError when there is no such data set, the hub refuses, or nothing may be fetched and the cache lacks it
 */
export async function openDataset(name: HubName, access: HubAccess, options: OpenDatasetOptions): Promise<HubDataset> {
  const cached = cachedDataset(name, access);
  if (access.offline) {
    if (cached === undefined) throw notCached(name, access);
    return cached;
  }
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const client = new HubClient(name, access, signal);
  const repository = await listUnlessUnreachable(client, cached?.source.commit, options.onEvent);
  if (repository === undefined) return cached!;
  return {
    source: { ...name, commit: repository.commit },
    paths: [...repository.files.keys()],
    complete: true,
    fetch: (paths) => fetchFiles(client, repository, paths, options, () => stop.abort()),
  };
}

/** Text of a small file of a data set; undefined when it has none of that name. */
export async function readDatasetText(dataset: HubDataset, path: string): Promise<string | undefined> {
  if (!dataset.paths.includes(path)) return undefined;
  const [file] = await dataset.fetch([path]);
  return readFileSync(file!).subarray(0, MAX_TEXT_BYTES).toString("utf8");
}

async function fetchFiles(
  client: HubClient,
  { commit, files }: Repository,
  paths: readonly string[],
  options: OpenDatasetOptions,
  stop: () => void,
): Promise<readonly string[]> {
  const { name, access } = client;
  const repoFolder = join(access.cacheFolder, repoFolderName(name));
  const blobs = join(repoFolder, "blobs");
  const snapshot = snapshotFolder(access.cacheFolder, { ...name, commit });
  const wanted = paths.map((path) => files.get(path)!);
  const here = async (): Promise<boolean> => {
    for (const file of wanted)
      if (!existsSync(join(snapshot, file.name)) || !(await hasBlob(blobs, file))) return false;
    return cachedCommit(access.cacheFolder, name) === commit;
  };
  if (!(await here())) {
    makeFolder(blobs);
    const lock = await lockRepository(client, options);
    try {
      await fetchBlobs(wanted, { client, commit, blobs, stop, onEvent: options.onEvent });
      linkSnapshot(wanted, blobs, snapshot);
      writeRef(repoFolder, name.revision, commit);
    } finally {
      lock.release();
    }
  }
  return paths.map((path) => join(snapshot, path));
}

function cachedDataset(name: HubName, { cacheFolder }: HubAccess): HubDataset | undefined {
  const commit = cachedCommit(cacheFolder, name);
  if (commit === undefined) return undefined;
  const snapshot = snapshotFolder(cacheFolder, { ...name, commit });
  if (!existsSync(snapshot)) return undefined;
  const entries = readdirSync(snapshot, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return {
    source: { ...name, commit },
    paths: files.map(({ parentPath, name: file }) =>
      join(parentPath, file)
        .slice(snapshot.length + 1)
        .split(sep)
        .join("/"),
    ),
    complete: false,
    fetch: (paths) => Promise.resolve(paths.map((path) => join(snapshot, path))),
  };
}

function notCached({ repo }: HubName, { cacheFolder }: HubAccess): UserError {
  return new UserError({
    code: "hub/offline",
    message: `the cache does not have the data set ${repo}; HF_HUB_OFFLINE forbids to fetch it`,
    where: cacheFolder,
    fix: "unset HF_HUB_OFFLINE, or fetch it where there is a network",
  });
}
