/** How the hub and the local cache of its files are reached. */
export interface HubAccess {
  /** Folder of the cache, in the layout that Hugging Face's Python package has too. */
  readonly cacheFolder: string;
  /** Address without a slash at the end. */
  readonly endpoint: string;
  /** Sent to the endpoint only, never to where it redirects. */
  readonly token: string | undefined;
  /** No request at all: the cache has it or it is an error. */
  readonly offline: boolean;
  /** Waits before the next try after one that brought nothing, in ms; default `RETRY_DELAYS`. */
  readonly retryDelays?: readonly number[] | undefined;
}

/** Half a minute in all: what a network takes to come back, and not more than a person waits for an error. */
export const RETRY_DELAYS: readonly number[] = [1000, 2000, 4000, 8000, 16_000];
