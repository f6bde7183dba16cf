import { type DatasetName, datasetPath } from "../../../base/dataset-name.ts";
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import type { HubAccess } from "../../../model/files/hub/hub-access.ts";
import { type HubDataset, openDataset, readDatasetText } from "../../../model/files/hub/open-dataset.ts";
import { globExpression, isGlob } from "./glob.ts";
import { partsOf, type Splits, splitNamed, splitOfPart, splitsOf } from "./hub-splits.ts";
import type { Part } from "./parts.ts";

export interface FetchOptions {
  /** Undefined: rows of all splits. */
  readonly part: Part | undefined;
  readonly hub: HubAccess;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent: EventSink;
}

/** Files of a data set on the hub that lie here now. */
export interface FetchedFiles {
  readonly files: readonly string[];
  /** The same by the commit and the split, which means these files for ever. */
  readonly pinned: string;
  /** Other parts that the data set has, by commit and split. */
  readonly others: ReadonlyMap<Part, string>;
}

/** Where the hub keeps every data set that it can read as Parquet. */
const parquetRevision = "refs/convert/parquet";

/**
 * The files of a split, fetched where the cache lacks them.
 * @throws UserError when there is no such data set or split, it is gated, or it has no files that are read
 */
export async function fetchDataset(dataset: DatasetName, options: FetchOptions): Promise<FetchedFiles> {
  const { part, hub, signal, onEvent } = options;
  const where = datasetPath({ ...dataset, rest: undefined });
  const open = (revision: string): Promise<HubDataset> =>
    openDataset({ ...dataset.name, revision }, hub, { signal, onEvent });
  let found = await open(dataset.name.revision);
  const direct = filesNamed(found, dataset.rest);
  if (direct !== undefined) {
    return { files: await found.fetch(direct), pinned: pinnedPath(found, dataset, dataset.rest), others: new Map() };
  }
  let splits = splitsOf(found.paths, await readDatasetText(found, "README.md"), dataset.config, where);
  if (splits.size === 0 && dataset.name.revision !== parquetRevision) {
    found = await openConverted(open, found, where);
    splits = splitsOf(found.paths, undefined, dataset.config, where);
  }
  if (splits.size === 0) throw noFiles(found.paths, where);
  const split = wantedSplit(splits, dataset, part, where);
  const paths = split === undefined ? [...splits.values()].flat() : splits.get(split)!;
  if (!found.complete) refuseMissingShards(paths, where);
  const others = new Map<Part, string>();
  if (dataset.rest === undefined) {
    for (const other of partsOf(splits)) {
      if (other !== part) others.set(other, pinnedPath(found, dataset, splitOfPart(splits, other)));
    }
  }
  const reason = split === undefined ? "all splits" : `the split ${split}`;
  const shown = paths.slice(0, 8).join(", ") + (paths.length > 8 ? `, … (${paths.length})` : "");
  onEvent({
    kind: "choice",
    name: `files of ${where}`,
    value: shown,
    reason: `${reason} as of ${found.source.commit}`,
  });
  return { files: await found.fetch(paths), pinned: pinnedPath(found, dataset, split), others };
}

/** Files that a path behind the name means: one, or all like it. */
function filesNamed({ paths }: HubDataset, rest: string | undefined): readonly string[] | undefined {
  if (rest === undefined) return undefined;
  if (paths.includes(rest)) return [rest];
  if (!isGlob(rest)) return undefined;
  const expression = globExpression(rest);
  const like = paths.filter((path) => expression.test(path)).sort();
  return like.length === 0 ? undefined : like;
}

function wantedSplit(splits: Splits, { rest }: DatasetName, part: Part | undefined, where: string): string | undefined {
  if (rest !== undefined) return splitNamed(splits, rest, where);
  if (part === undefined) return undefined;
  return splitOfPart(splits, part) ?? splitNamed(splits, part, where);
}

function pinnedPath({ source }: HubDataset, { name, config }: DatasetName, rest: string | undefined): string {
  const revision = source.revision === parquetRevision ? parquetRevision : source.commit;
  return datasetPath({ name: { ...name, revision }, config, rest });
}

async function openConverted(
  open: (revision: string) => Promise<HubDataset>,
  original: HubDataset,
  where: string,
): Promise<HubDataset> {
  try {
    return await open(parquetRevision);
  } catch (error) {
    if (!(error instanceof UserError) || !["hub/no-revision", "hub/offline"].includes(error.code)) throw error;
    throw noFiles(original.paths, where);
  }
}

/** `train-00001-of-00002.parquet` says that there are two. */
function refuseMissingShards(paths: readonly string[], where: string): void {
  const total = Math.max(0, ...paths.map((path) => Number(/-of-(\d+)\./.exec(path)?.[1] ?? 0)));
  if (paths.length >= total) return;
  throw new UserError({
    code: "hub/offline",
    message: `the cache has ${paths.length} of ${total} files of the data set, and the others may not or cannot be fetched`,
    where,
    fix: "unset HF_HUB_OFFLINE, or try again where there is a network",
  });
}

function noFiles(paths: readonly string[], where: string): UserError {
  const shown = paths.slice(0, 8).join(", ") + (paths.length > 8 ? `, … (${paths.length})` : "");
  return new UserError({
    code: "data/no-data-file",
    message:
      "the data set has no files that are read (.parquet, .jsonl, .json, .csv, .tsv), and none that the hub converted",
    where,
    fix: paths.length === 0 ? "it is empty" : `it holds ${shown}`,
  });
}
