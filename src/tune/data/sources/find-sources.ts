import { existsSync, statSync } from "node:fs";
import { dirname, relative, sep } from "node:path";
import { isDatasetPath } from "../../../base/dataset-name.ts";
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import { suggestName } from "../../../base/names.ts";
import type { DataOptions } from "../../../base/recipe/recipe.ts";
import { readHead } from "../bytes.ts";
import type { RowSource } from "../format.ts";
import { fileSource, type Source } from "../source.ts";
import { chooseMembers, type Member } from "./choose-members.ts";
import { openFolder } from "./folder.ts";
import { isGlob } from "./glob.ts";
import type { Part } from "./parts.ts";
import { isTar, listTar, tarHeadBytes } from "./tar.ts";

export interface FindOptions {
  /** Undefined: rows of all parts. */
  readonly part: Part | undefined;
  readonly format: DataOptions["format"];
  readonly onEvent: EventSink;
}

/** A file whose format is to be found out, or rows that are known already. */
export type Found = Source | RowSource;

/**
 * What a data path means: a file; `ARCHIVE/MEMBER`; the data files of the part in an archive or a folder; the files of a
 * folder as rows; all files like `folder/*.sol`. What is chosen is told.
 * @throws UserError when there is no such file, or nothing in it
 */
export async function findSources(path: string, options: FindOptions): Promise<readonly Found[]> {
  if (isDatasetPath(path)) throw notFetched(path);
  const existing = existingPart(path);
  if (existing.rest === "") {
    if (statSync(path).isDirectory()) return await inFolder(path, undefined, options);
    const file = fileSource(path, datasetFileName(path) ?? path);
    const { bytes } = await readHead(file, tarHeadBytes);
    return isTar(bytes) ? chosen(await listTar(file), path, options) : [file];
  }
  const isFolder = statSync(existing.path).isDirectory();
  if (isFolder && isGlob(existing.rest)) return await inFolder(existing.path, existing.rest, options);
  return isFolder ? [fileSource(path)] : [await namedMember(existing.path, existing.rest)];
}

/** Whether a path goes on behind a file, or names several: nothing else can be meant by it. */
export function isDataPath(path: string): boolean {
  const { path: existing, rest } = existingPart(path);
  return rest !== "" && (statSync(existing).isFile() || isGlob(rest));
}

/** The longest beginning of a path that exists, and what comes behind it, with slashes. */
function existingPart(path: string): { readonly path: string; readonly rest: string } {
  let existing = path;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  return { path: existing, rest: relative(existing, path).split(sep).join("/") };
}

/** What to call a file of the hub's cache: `hf:ORG/NAME@0123456/data/train.parquet`. */
function datasetFileName(path: string): string | undefined {
  const parts = /[/\\]datasets--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\]([0-9a-f]{40})[/\\](.+)$/.exec(path);
  if (parts === null) return undefined;
  const [, organisation, name, commit, file] = parts;
  return `hf:${organisation}/${name}@${commit!.slice(0, 7)}/${file!.split(sep).join("/")}`;
}

function notFetched(path: string): UserError {
  return new UserError({
    code: "data/not-fetched",
    message: "a data set of the hub cannot be read by this command",
    where: path,
    fix: `fetch its files with fettle data convert ${path} --output FILE, and name that`,
  });
}

async function inFolder(folder: string, glob: string | undefined, options: FindOptions): Promise<readonly Found[]> {
  const filesAreRows = options.format === "folder";
  const content = await openFolder(folder, { part: options.part, glob, filesAreRows });
  if (content.kind === "rows") return content.rows;
  const isPicked = glob !== undefined;
  return chosen(content.members, folder, isPicked ? { ...options, part: undefined } : options);
}

function chosen(all: readonly Member[], where: string, { part, onEvent }: FindOptions): readonly Source[] {
  const { members, reason } = chooseMembers(all, part, where);
  const names = members.map(({ path }) => path);
  const value = names.slice(0, 8).join(", ") + (names.length > 8 ? `, … (${names.length})` : "");
  onEvent({ kind: "choice", name: `files of ${where}`, value, reason });
  return members.map(({ source }) => source);
}

async function namedMember(archive: string, path: string): Promise<Source> {
  const file = fileSource(archive);
  const { bytes } = await readHead(file, tarHeadBytes);
  if (!isTar(bytes)) {
    throw new UserError({
      code: "data/no-archive",
      message: `is a file and no tar archive, so there is no ${path} in it`,
      where: archive,
    });
  }
  const members = await listTar(file);
  const found = members.find((member) => member.path === path);
  if (found !== undefined) return found.source;
  const fix = suggestName(
    path,
    members.map((member) => member.path),
  );
  throw new UserError({ code: "data/no-member", message: `there is no ${path} in the archive`, where: archive, fix });
}
