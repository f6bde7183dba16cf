/**
 * splits.json of a run whose validation or test set is a part of the training files: which rows each set has, so that
 * they can be looked up, and the test set be scored later.
 */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import { parseJsonObject, readTextFile } from "../../model/files/json-file.ts";
import type { Dataset } from "../data/dataset.ts";
import { TextUnits } from "../data/prepare/text-units.ts";

/** First and last of numbers that follow each other. */
export type Range = readonly [first: number, last: number];

export interface SetRows {
  readonly rows: number;
  /** Of what the rows ask and answer, in order. */
  readonly sha256: string;
  /** Among the rows of the training files that can be used, from 0. */
  readonly positions: readonly Range[];
  /** The lines on which they begin, from 1. */
  readonly files: Readonly<Record<string, readonly Range[]>>;
}

export interface Splits {
  readonly version: 1;
  readonly sets: Readonly<Record<string, SetRows>>;
}

export function splitsOf(sets: readonly Dataset[]): Splits {
  return { version: 1, sets: Object.fromEntries(sets.map((set) => [set.name, rowsOf(set)])) };
}

/** What a run keeps of its split, at most. */
const MAX_BYTES = 2 ** 28;

/** Which rows a set of a run has. @throws UserError when the file does not say */
export function readSplit(path: string, name: string): SetRows {
  const splits = parseJsonObject(readTextFile(path, MAX_BYTES), path);
  const sets = (splits.version === 1 ? splits.sets : {}) as unknown as Readonly<Record<string, SetRows>>;
  const found = Object.hasOwn(sets, name) ? sets[name]! : undefined;
  if (Array.isArray(found?.positions)) return found;
  throw new UserError({
    code: "data/splits",
    message: `does not say which rows the ${name} set has`,
    where: path,
    fix: "take a run whose recipe has data.test: {fraction: …}, or name a file with rows",
  });
}

/**
 * The rows of a set again.
 * @param read what the training files hold, read as in training
 * @throws UserError when these are not the rows that the run had
 */
export function setAgain(read: Dataset, name: string, { positions, sha256 }: SetRows, where: string): Dataset {
  const units = new TextUnits(read);
  const wanted = positions.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
  const set = wanted.every((position) => position < units.length) ? units.subset(name, wanted, "piece") : undefined;
  if (set !== undefined && rowsOf(set).sha256 === sha256) return set;
  throw new UserError({
    code: "data/other-rows",
    message: `the training files are not what they were, or read in another way: the rows of the ${name} set are not where the run had them`,
    where,
    fix: "restore the files, or name a file with the rows to score: --data FILE",
  });
}

function rowsOf(set: Dataset): SetRows {
  const units = new TextUnits(set);
  const hash = createHash("sha256");
  const positions: number[] = [];
  const files: Record<string, number[]> = {};
  for (let unit = 0; unit < units.length; unit++) {
    hash.update(JSON.stringify([units.text(unit), units.answer(unit)]));
    positions.push(units.position(unit));
    const { file, line } = units.row(unit);
    files[file] ??= [];
    files[file].push(line);
  }
  return {
    rows: units.length,
    sha256: hash.digest("hex"),
    positions: rangesOf(positions),
    files: Object.fromEntries(Object.entries(files).map(([file, lines]) => [file, rangesOf(lines)])),
  };
}

function rangesOf(ascending: readonly number[]): Range[] {
  const ranges: [number, number][] = [];
  for (const number of ascending) {
    const last = ranges.at(-1);
    if (last !== undefined && number <= last[1] + 1) last[1] = Math.max(last[1], number);
    else ranges.push([number, number]);
  }
  return ranges;
}
