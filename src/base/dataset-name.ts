import { DEFAULT_REVISION, type HubName, parseHubName } from "./hub-name.ts";

/** A data set on the Hugging Face hub, as a data path names it: `hf:ORG/NAME@REVISION:CONFIG/SPLIT`. */
export interface DatasetName {
  readonly name: HubName & { readonly type: "dataset" };
  /** One of the data set's configurations; undefined: its default. */
  readonly config: string | undefined;
  /** A split, or a file of the repository; undefined: the split that is wanted. */
  readonly rest: string | undefined;
}

const prefix = "hf:";

/** Whether a data path means the hub. */
export function isDatasetPath(path: string): boolean {
  return path.startsWith(prefix);
}

/** Undefined for text that is no such name. Revisions have no slash, but for `refs/convert/parquet` and `refs/pr/1`. */
export function parseDatasetName(path: string): DatasetName | undefined {
  const parts = /^hf:([^/@:]+\/[^/@:]+)(?:@(refs\/[^/:]+\/[^/:]+|[^/:]+))?(?::([^/:]+))?(?:\/(.+))?$/.exec(path);
  if (parts === null) return undefined;
  const [, repo, revision = DEFAULT_REVISION, config, rest] = parts;
  const name = parseHubName(`${repo}@${revision}`);
  if (name === undefined || rest?.split("/").includes("..")) return undefined;
  return { name: { ...name, type: "dataset" }, config, rest };
}

/** The path that `parseDatasetName` takes apart. */
export function datasetPath({ name, config, rest }: DatasetName): string {
  const revision = name.revision === DEFAULT_REVISION ? "" : `@${name.revision}`;
  return `${prefix}${name.repo}${revision}${config === undefined ? "" : `:${config}`}${rest === undefined ? "" : `/${rest}`}`;
}
