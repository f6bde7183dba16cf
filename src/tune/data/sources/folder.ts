import { join } from "node:path";
import { UserError } from "../../../base/errors.ts";
import type { RowSource } from "../format.ts";
import { fileSource } from "../source.ts";
import type { Member } from "./choose-members.ts";
import { folderRows } from "./folder-rows.ts";
import { globExpression } from "./glob.ts";
import { type FolderListing, listFolder } from "./list-folder.ts";
import { findManifest, manifestRows } from "./manifest.ts";
import { formatRank, type Part, partNamed } from "./parts.ts";

/** What a folder is: data files to choose from, or files that are rows themselves. */
export type FolderContent =
  | { readonly kind: "data files"; readonly members: readonly Member[] }
  | {
      readonly kind: "rows";
      readonly rows: readonly RowSource[];
      /** Sub-folders that were entered, by the parts they are named after. */
      readonly parts: readonly (readonly [Part, string])[];
    };

export interface FolderOptions {
  readonly part: Part | undefined;
  /** Which of its files, from it on; default all. */
  readonly glob?: string | undefined;
  /** Every file is a row, whatever it is called. */
  readonly filesAreRows: boolean;
}

/**
 * A manifest comes first; then data files, by their names; then sub-folders named after parts, of which the wanted one
 * is entered; otherwise each file is a row.
 * @throws UserError when there is no file, or no sub-folder for the part
 */
export async function openFolder(folder: string, options: FolderOptions): Promise<FolderContent> {
  const { part, glob, filesAreRows } = options;
  const listing = await listFolder(folder);
  const wanted = glob === undefined ? undefined : globExpression(glob);
  const files = wanted === undefined ? listing.files : listing.files.filter((path) => wanted.test(path));
  if (files.length === 0) throw nothingIn(folder, glob, listing);

  if (wanted === undefined) {
    const manifest = findManifest(files);
    if (manifest !== undefined) return { kind: "rows", rows: [await manifestRows(folder, manifest)], parts: [] };
    const entered = files.some(isRow) ? partFolders(files, part, folder) : [];
    const contents = await Promise.all(entered.map((name) => openFolder(join(folder, name), options)));
    const rows = contents.flatMap((content) => (content.kind === "rows" ? content.rows : []));
    if (rows.length > 0) {
      return { kind: "rows", rows, parts: entered.map((name) => [partNamed(name)!, name] as const) };
    }
  }
  const isData = !filesAreRows && files.some((path) => formatRank(path) !== undefined && !isRow(path));
  if (!isData) {
    const left = wanted === undefined ? listing.left : [];
    return { kind: "rows", rows: [folderRows(folder, { files, left })], parts: [] };
  }
  return { kind: "data files", members: files.map((path) => ({ path, source: fileSource(join(folder, path)) })) };
}

/** A file that holds one text: not a table of rows. JSON below a sub-folder is taken for a document, as class folders have. */
function isRow(path: string): boolean {
  return formatRank(path) === undefined || (/\.json$/i.test(path) && path.includes("/"));
}

/** The sub-folder of the part, where sub-folders are named after parts; all of these where no part is wanted. */
function partFolders(files: readonly string[], part: Part | undefined, folder: string): readonly string[] {
  const names = new Set(files.flatMap((path) => (path.includes("/") ? [path.slice(0, path.indexOf("/"))] : [])));
  const named = [...names].filter((name) => partNamed(name) !== undefined);
  const found = named.filter((name) => part === undefined || partNamed(name) === part);
  if (named.length === 0 || found.length > 0) return found;
  throw new UserError({
    code: "data/no-part",
    message: `holds no ${part} folder`,
    where: folder,
    fix: `it has ${named.join(" and ")}: name the one that is meant, such as ${join(folder, named[0]!)}`,
  });
}

function nothingIn(folder: string, glob: string | undefined, { left }: FolderListing): UserError {
  return new UserError({
    code: "data/no-files",
    message: glob === undefined ? "the folder holds no files" : `no file in the folder is like ${glob}`,
    where: folder,
    fix:
      left.length === 0
        ? "name the folder of the data"
        : `${left.length} files were left out, such as ${left[0]!.path}: ${left[0]!.reason}`,
  });
}
