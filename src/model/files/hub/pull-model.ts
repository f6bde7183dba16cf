import { existsSync } from "node:fs";
import { join } from "node:path";
import type { EventSink } from "../../../base/events.ts";
import { type HubName, isCommit } from "../../../base/hub-name.ts";
import { makeFolder } from "../atomic.ts";
import { ConfigJson } from "../config.ts";
import { parseJsonObject, readTextFile } from "../json-file.ts";
import { shardNames, WEIGHTS_INDEX_FILE } from "../weights.ts";
import { type ChosenFiles, chooseFiles, filesNamed, refuseOtherFormats } from "./choose-files.ts";
import type { HubFile } from "./download-blob.ts";
import { fetchBlobs } from "./fetch-blobs.ts";
import type { HubAccess } from "./hub-access.ts";
import { HubClient } from "./hub-client.ts";
import { linkSnapshot, writeRef } from "./link-snapshot.ts";
import { listUnlessUnreachable, type Repository } from "./list-repository.ts";
import { lockRepository } from "./lock-repository.ts";
import { cachedModel, notCached, type PulledModel } from "./pulled-model.ts";
import { cachedCommit, missingFiles, repoFolderName, snapshotFolder } from "./snapshot.ts";

export interface PullOptions {
  /**
   * `fetch` them; or leave them for `later`, when it is known that they could be fetched; or `never`, when they are not
   * needed. Default `fetch`.
   */
  readonly weights?: "fetch" | "later" | "never" | undefined;
  /** Looks at config.json before anything large is fetched; throws when the model cannot be used. */
  readonly check?: ((config: ConfigJson) => void) | undefined;
  /** Aborting it ends the download; what there is of it is kept for the next time. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent: EventSink;
}

const MAX_CONFIG_BYTES = 16 * 2 ** 20;

/**
 * A model of the hub as a folder here: what the cache lacks is fetched into it. A branch or tag is looked up anew each
 * time; when the hub cannot be reached, what the cache has of it is taken, with a warning.
 * @throws UserError when the hub refuses, the disk is full, or what comes is damaged
 */
export async function pullModel(name: HubName, access: HubAccess, options: PullOptions): Promise<PulledModel> {
  const weights = options.weights ?? "fetch";
  const atHand = cachedModel(name, access, weights === "fetch");
  if (access.offline) {
    if (atHand === undefined) throw notCached(name, access);
    return atHand;
  }
  if (atHand !== undefined && isCommit(name.revision)) return atHand;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const client = new HubClient(name, access, signal);
  const repository = await listUnlessUnreachable(client, atHand?.commit, options.onEvent);
  if (repository === undefined) return atHand!;
  const chosen = chooseFiles(name.repo, repository.files);
  if (chosen.weights === undefined && weights !== "never") throw refuseOtherFormats(name.repo, repository.files);
  const { commit } = repository;
  const folder = snapshotFolder(access.cacheFolder, { repo: name.repo, commit });
  const isKnown = cachedCommit(access.cacheFolder, name) === commit;
  let bytesFetched = 0;
  if (!isKnown || !isWhole(folder, chosen, weights === "fetch")) {
    const lock = await lockRepository(client, options);
    try {
      bytesFetched = await fetchModel(client, repository, chosen, options, () => stop.abort());
    } finally {
      lock.release();
    }
  }
  return { ...name, commit, folder, bytesFetched };
}

/** A cache that has everything is left alone: it may be one that cannot be written. */
function isWhole(folder: string, { description }: ChosenFiles, weights: boolean): boolean {
  return description.every(({ name }) => existsSync(join(folder, name))) && missingFiles(folder, weights).length === 0;
}

async function fetchModel(
  client: HubClient,
  { commit, files }: Repository,
  { description, weights }: ChosenFiles,
  options: PullOptions,
  stop: () => void,
): Promise<number> {
  const { name, access } = client;
  const repoFolder = join(access.cacheFolder, repoFolderName(name));
  const blobs = join(repoFolder, "blobs");
  makeFolder(blobs);
  const fetch = (wanted: readonly HubFile[], onEvent: EventSink): Promise<number> =>
    fetchBlobs(wanted, { client, commit, blobs, stop, onEvent });
  const needed = (options.weights ?? "fetch") === "fetch" ? weights : undefined;
  const index = needed?.name === WEIGHTS_INDEX_FILE ? needed : undefined;
  const config = files.get("config.json");

  // The small files that say whether the large ones are of use, and which.
  let bytes = await fetch(
    [config, index].filter((file) => file !== undefined),
    () => {},
  );
  if (config) checkConfig(name.repo, join(blobs, config.digest), options);
  const shards = index ? filesNamed(name.repo, shardNames(join(blobs, index.digest)), files) : [];
  const wanted = [...description, ...(needed ? [needed] : []), ...shards];
  bytes += await fetch(wanted, options.onEvent);
  linkSnapshot(wanted, blobs, snapshotFolder(access.cacheFolder, { repo: name.repo, commit }));
  writeRef(repoFolder, name.revision, commit);
  return bytes;
}

function checkConfig(repo: string, path: string, { check }: PullOptions): void {
  const where = `${repo}/config.json`;
  check?.(new ConfigJson(where, parseJsonObject(readTextFile(path, MAX_CONFIG_BYTES), where)));
}
