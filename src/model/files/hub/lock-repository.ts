import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { EventSink } from "../../../base/events.ts";
import { makeFolder } from "../atomic.ts";
import { type FileLock, LockedError, lockFile } from "../lock-file.ts";
import type { HubClient } from "./hub-client.ts";
import { repoFolderName } from "./snapshot.ts";

/** Ms between two looks whether another process has finished. */
const LOCK_INTERVAL = 500;

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent: EventSink;
}

/** One process at a time fetches a repository; others wait and find it in the cache. */
export async function lockRepository(client: HubClient, { signal, onEvent }: LockOptions): Promise<FileLock> {
  const { repo } = client.name;
  const { cacheFolder } = client.access;
  const folder = join(cacheFolder, ".locks", repoFolderName(client.name));
  makeFolder(folder);
  for (let told = false; ; told = true) {
    try {
      return lockFile(join(folder, "fettle.lock"));
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
      const message = `process ${error.holder.pid} on ${error.holder.host} fetches ${repo}; waiting for it (${error.path})`;
      if (!told) onEvent({ kind: "note", level: "info", message });
      await sleep(LOCK_INTERVAL, undefined, { signal }).catch(() => client.refuseAborted());
    }
  }
}
