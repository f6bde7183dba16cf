import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import type { HubFile } from "./download-blob.ts";
import type { HubClient } from "./hub-client.ts";
import { badAnswer } from "./hub-errors.ts";

export interface Repository {
  readonly commit: string;
  /** Of a model the files beside config.json: its folders hold nothing that is needed. Of a data set all. */
  readonly files: ReadonlyMap<string, HubFile>;
}

/**
 * Which commit the name means now, and which files it has.
 * @throws UserError when there is none, the hub refuses, or its answer is none
 */
export async function listRepository(client: HubClient): Promise<Repository> {
  const { name, access } = client;
  // Loaded when it is needed: it is larger than all of Fettle.
  const { datasetInfo, listFiles, modelInfo } = await import("@huggingface/hub");
  const request = { hubUrl: access.endpoint, fetch: client.pages() };
  try {
    const isModel = name.type === undefined;
    const info = { ...request, name: name.repo, revision: name.revision };
    const { sha } = isModel
      ? await modelInfo({ ...info, additionalFields: ["sha"] })
      : await datasetInfo({ ...info, additionalFields: ["sha"] });
    if (typeof sha !== "string" || !/^[0-9a-f]{40}$/.test(sha)) throw badAnswer(name, access, "it names no commit");
    const files = new Map<string, HubFile>();
    const repo = { type: name.type ?? "model", name: name.repo } as const;
    for await (const entry of listFiles({ ...request, repo, revision: sha, recursive: !isModel })) {
      if (entry.type !== "file") continue;
      const file = fileOf(entry, !isModel);
      if (file === undefined) throw badAnswer(name, access, `${describe(entry)} is no file of a ${repo.type}`);
      files.set(file.name, file);
    }
    return { commit: sha, files };
  } catch (error) {
    if (error instanceof UserError) throw error;
    // The library takes the answer for what it should be: anything else it throws comes from one that is not.
    throw badAnswer(name, access, error instanceof Error ? error.message : String(error));
  }
}

/**
 * The same; undefined where the hub cannot be reached and the cache will do, which is told.
 * @param cachedCommit of what the cache has, if it has what is asked for
 */
export async function listUnlessUnreachable(
  client: HubClient,
  cachedCommit: string | undefined,
  onEvent: EventSink,
): Promise<Repository | undefined> {
  try {
    return await listRepository(client);
  } catch (error) {
    if (cachedCommit === undefined || !(error instanceof UserError) || error.code !== "hub/unreachable") throw error;
    const message = `${error.message}; taken from the cache, as of commit ${cachedCommit}`;
    onEvent({ kind: "note", level: "warning", message });
    return undefined;
  }
}

interface Entry {
  readonly path: string;
  readonly size: number;
  readonly oid?: string;
  readonly lfs?: { readonly oid: string; readonly size: number };
}

/** Undefined for one without size or hash, or whose name would leave the folder. */
function fileOf({ path, size, oid, lfs }: Entry, inFolders: boolean): HubFile | undefined {
  const content = lfs
    ? ({ algorithm: "sha256", digest: lfs.oid, size: lfs.size } as const)
    : ({ algorithm: "git-sha1", digest: oid ?? "", size } as const);
  const digits = lfs ? 64 : 40;
  const isSound =
    typeof path === "string" &&
    (inFolders || !path.includes("/")) &&
    path.split("/").every((part) => /^[^\\\p{Cc}]+$/u.test(part) && part !== "." && part !== "..") &&
    typeof content.digest === "string" &&
    new RegExp(`^[0-9a-f]{${digits}}$`).test(content.digest) &&
    Number.isSafeInteger(content.size) &&
    content.size >= 0;
  return isSound ? { name: path, ...content } : undefined;
}

function describe(entry: object): string {
  return JSON.stringify(entry).slice(0, 200);
}
