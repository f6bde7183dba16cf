/** Models of the Hugging Face hub, by name, as folders of the local cache. */
import { existsSync } from "node:fs";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { type HubSource, parseHubName } from "../../base/hub-name.ts";
import { pullKnownModel } from "../../tune/train/base-model.ts";
import { hubAccess } from "../environment.ts";
import { absentFolder } from "./absent-folder.ts";

export interface PullModelOptions {
  /** Folder of the cache, in place of `HF_HUB_CACHE`. */
  readonly cache?: string | undefined;
  /** False: everything but the weights. */
  readonly weights?: boolean | undefined;
  /** Aborting it ends the download; the next one goes on where it stopped. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventSink | undefined;
}

export interface Pulled extends HubSource {
  /** The model's folder. */
  readonly folder: string;
  /** 0 where the cache had everything. */
  readonly bytesFetched: number;
}

/**
 * Fetches a model or an adapter from the hub into the cache that Python's tools use too.
 *
 *     const { folder } = await pull("Qwen/Qwen2.5-0.5B-Instruct");
 *
 * @param name `ORG/NAME`, or `ORG/NAME@REVISION` for a branch, tag or commit
 * @throws UserError when there is no such model, it is gated, its weights are no safetensors, or the disk is full
 */
export async function pull(name: string, options: PullModelOptions = {}): Promise<Pulled> {
  const parsed = parseHubName(name);
  if (parsed === undefined) {
    throw new UserError({
      code: "hub/bad-name",
      message: `"${name}" is no name of a model on the hub`,
      fix: "write it like Qwen/Qwen2.5-0.5B-Instruct, or ORG/NAME@REVISION",
    });
  }
  const { cache, weights = true, signal, onEvent = () => {} } = options;
  const hub = hubAccess();
  const access = { ...hub, cacheFolder: cache ?? hub.cacheFolder };
  return await pullKnownModel(parsed, access, { weights: weights ? "fetch" : "later", signal, onEvent });
}

/** The folder of that name where there is one; otherwise a model of the hub, fetched; otherwise the text as it is. */
export async function folderOf(path: string, options: PullModelOptions): Promise<string> {
  if (existsSync(path) || parseHubName(path) === undefined) return path;
  try {
    return (await pull(path, options)).folder;
  } catch (error) {
    throw (error instanceof UserError && absentFolder(path, error)) || error;
  }
}
