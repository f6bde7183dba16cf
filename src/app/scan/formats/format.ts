import type { ScanResult } from "../scan-result.ts";

/** One way to write down what a scan found. */
export interface ScanFormat {
  /** As given to `--format`. */
  readonly name: string;
  /** For help. */
  readonly summary: string;
  readonly write: (result: ScanResult, place: ScanPlace) => Written;
}

export interface Written {
  /** Ends in a line end, unless it is empty. */
  readonly text: string;
  /** What the reader's limits made leave out, as sentences. */
  readonly notes: readonly string[];
}

/** Where the scanned tree lies, for readers that know files by their place in a repository. */
export interface ScanPlace {
  /** Absolute; the root of the repository, or the scan's own root where there is none. */
  readonly root: string;
  /** Of the scan's root below `root`: empty, or ending in `/`. */
  readonly prefix: string;
  readonly repository?: RepositoryFacts | undefined;
}

export interface RepositoryFacts {
  /** Of the remote `origin`, without credentials. */
  readonly url?: string | undefined;
  /** Full hash of the commit that is checked out. */
  readonly commit?: string | undefined;
  readonly branch?: string | undefined;
}
