/**
 * The layout of the cache, which Python's huggingface_hub shares:
 *
 *   models--ORG--NAME/      of a data set: datasets--ORG--NAME
 *     blobs/SHA             content, named by its hash: sha256 of large files, git's sha1 of small ones
 *     blobs/SHA.incomplete  what an interrupted download left
 *     refs/main             the commit that a branch or tag was at when it was last asked for
 *     snapshots/COMMIT/     names, each a relative link into blobs
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type HubName, isCommit } from "../../../base/hub-name.ts";
import { SINGLE_WEIGHTS_FILE, shardNames, WEIGHTS_INDEX_FILE } from "../weights.ts";

/** A commit of a model or data set, as a snapshot folder is named. */
export interface Snapshot {
  /** `ORG/NAME` */
  readonly repo: string;
  /** Default: a model. */
  readonly type?: "dataset";
  readonly commit: string;
}

/** Name of a repository's folder in the cache. */
export function repoFolderName({ repo, type }: Omit<Snapshot, "commit">): string {
  return `${type ?? "model"}s--${repo.replace("/", "--")}`;
}

export function snapshotFolder(cacheFolder: string, { commit, ...repository }: Snapshot): string {
  return join(cacheFolder, repoFolderName(repository), "snapshots", commit);
}

/** What the folder is a snapshot of; undefined for any other folder, and for data sets. */
export function snapshotOf(folder: string): Snapshot | undefined {
  const path = resolve(folder);
  const parts = /^models--(.+?)--(.+)$/.exec(basename(dirname(dirname(path))));
  if (parts === null || basename(dirname(path)) !== "snapshots" || !isCommit(basename(path))) return undefined;
  return { repo: `${parts[1]}/${parts[2]}`, commit: basename(path) };
}

/** What people call the model in a folder: `ORG/NAME` for one from the hub, otherwise the folder's name. */
export function modelNameOf(folder: string): string {
  return snapshotOf(folder)?.repo ?? basename(resolve(folder));
}

/** The commit that the cache knows for a branch, tag or commit. */
export function cachedCommit(cacheFolder: string, { revision, ...repository }: HubName): string | undefined {
  if (isCommit(revision)) return revision;
  const path = join(cacheFolder, repoFolderName(repository), "refs", revision);
  if (!existsSync(path)) return undefined;
  const commit = readFileSync(path, "utf8").trim();
  return isCommit(commit) ? commit : undefined;
}

/**
 * What a snapshot lacks to be used, by name: another program may have fetched some files only. An adapter needs its
 * two files, a model config.json, tokenizer.json and, where `weights` says so, all its weights.
 */
export function missingFiles(folder: string, weights: boolean): string[] {
  const lacks = (names: readonly string[]): string[] => names.filter((name) => !existsSync(join(folder, name)));
  if (existsSync(join(folder, "adapter_config.json"))) return lacks(["adapter_model.safetensors"]);
  return [...lacks(["config.json", "tokenizer.json"]), ...(weights ? lacks(weightFiles(folder)) : [])];
}

function weightFiles(folder: string): readonly string[] {
  const index = join(folder, WEIGHTS_INDEX_FILE);
  const sharded = !existsSync(join(folder, SINGLE_WEIGHTS_FILE)) && existsSync(index);
  return sharded ? shardNames(index) : [SINGLE_WEIGHTS_FILE];
}
