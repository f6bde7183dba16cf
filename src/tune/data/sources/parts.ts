/** Which rows of a data set are wanted: those of one purpose, or all there are. */
export type Part = "train" | "validation" | "test";

export const parts: readonly Part[] = ["train", "validation", "test"];

/** What files and folders of each part are called: the Hugging Face hub's conventions. */
const words: readonly (readonly [Part, RegExp])[] = [
  ["train", /(?<![a-z0-9])(train|training)(?![a-z0-9])/],
  ["validation", /(?<![a-z0-9])(valid|validation|val|dev)(?![a-z0-9])/],
  ["test", /(?<![a-z0-9])(test|testing|eval|evaluation)(?![a-z0-9])/],
];

/**
 * The part that a file's name says (`valid.jsonl`, `data/test-00000-of-00002.parquet`), otherwise the innermost folder
 * that says one (`train/0001.csv`).
 */
export function partOf(path: string): Part | undefined {
  for (const name of path.toLowerCase().split("/").reverse()) {
    const found = words.filter(([, word]) => word.test(name));
    if (found.length === 1) return found[0]![0];
  }
  return undefined;
}

/** A split's name as people write it: `valid`, `dev` and `val` are validation. */
export function partNamed(name: string): Part | undefined {
  return words.find(([, word]) => word.exec(name.toLowerCase())?.[0] === name.toLowerCase())?.[0];
}

/** Formats by what data files are called, the one that is taken first where the same rows lie there in several. */
const formatEndings: readonly RegExp[] = [
  /\.parquet(\.gz|\.zst)?$/i,
  /\.(jsonl|ndjson)(\.gz|\.zst)?$/i,
  /\.json(\.gz|\.zst)?$/i,
  /\.(csv|tsv)(\.gz|\.zst)?$/i,
];

/** Descriptions of data sets, which are no rows. */
const descriptions = /(^|\/)(dataset_infos?|dataset_dict|state|config|package|metadata|manifest)\.json$/i;

/** Position of its format in the order of preference; undefined for what is no data file by its name, or hidden. */
export function formatRank(path: string): number | undefined {
  if (path.split("/").some((name) => /^[._]/.test(name)) || descriptions.test(path)) return undefined;
  const rank = formatEndings.findIndex((ending) => ending.test(path));
  return rank < 0 ? undefined : rank;
}
