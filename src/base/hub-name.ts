/** A model (or data set) on the Hugging Face hub, as it is written: `ORG/NAME` or `ORG/NAME@REVISION`. */
export interface HubName {
  /** `ORG/NAME` */
  readonly repo: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** Default: a model. */
  readonly type?: "dataset";
}

/** Which commit it was, when it was looked up. */
export interface HubSource extends HubName {
  readonly commit: string;
}

/** The revision that a name without one means. */
export const DEFAULT_REVISION = "main";

/**
 * Undefined for text that is no such name. Whether a folder of that name lies here is the caller's question: a folder
 * comes first. Names become paths in the cache, so parts that could lead out of it (`..`, `.hidden`) are not names.
 */
export function parseHubName(text: string): HubName | undefined {
  const match = /^([^@]{1,200})(?:@([^@]{1,200}))?$/.exec(text);
  if (match === null) return undefined;
  const [, repo, revision = DEFAULT_REVISION] = match;
  return isRepo(repo!) && isRevision(revision) ? { repo: repo!, revision } : undefined;
}

/** The hub's own rule: letters, digits, `_`, `.` and `-`, but no `--` and `..`, which the cache needs for itself. */
function isRepo(repo: string): boolean {
  const parts = repo.split("/");
  return parts.length === 2 && parts.every((part) => /^(?!.*(--|\.\.))\w([\w.-]{0,94}\w)?$/.test(part));
}

/** Git's names of branches and tags, of which `refs/pr/1` is one, without those that no path may have. */
function isRevision(revision: string): boolean {
  return revision.split("/").every((part) => /^\w(?!.*\.\.)[\w.+-]*$/.test(part));
}

/** Where a repository is below the hub's address. */
export function placeOf({ repo, type }: Pick<HubName, "repo" | "type">): string {
  return type === undefined ? repo : `${type}s/${repo}`;
}

/** True for the full name of a commit, whose files never change. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}
