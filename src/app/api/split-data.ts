/** One set of rows to a training, a validation and a test file. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { PrepareOptions } from "../../base/recipe/recipe.ts";
import { makeFolder } from "../../model/files/atomic.ts";
import type { Dataset } from "../../tune/data/dataset.ts";
import { removeDuplicates } from "../../tune/data/prepare/duplicates.ts";
import { removeLeaks } from "../../tune/data/prepare/leakage.ts";
import type { PreparationStep } from "../../tune/data/prepare/preparation.ts";
import { splitDataset } from "../../tune/data/prepare/split.ts";
import { RowFile } from "../../tune/data/row-file.ts";
import {
  DEFAULT_SEED,
  openRows,
  type PreparedFiles,
  type PrepareFilesOptions,
  prepareDefaults,
} from "./prepared-rows.ts";

export interface SplitDataOptions extends PrepareFilesOptions {
  /** Folder that the files are written to. */
  readonly output: string;
  /** Shares of the rows; one of the two must be given. */
  readonly validation?: number | undefined;
  readonly test?: number | undefined;
  /** As in a recipe; defaults are the recipe's. */
  readonly prepare?: Partial<
    Pick<PrepareOptions, "exact_duplicates" | "conflicting_labels" | "near_duplicates" | "near_threshold" | "group_by">
  >;
}

export interface DataSplit extends PreparedFiles {
  readonly kind: "split";
}

/**
 * Splits as training with `data.validation: {fraction: …}` does, and writes the rows as they are, as JSON lines.
 * @throws UserError when a file is there, or a set would be without rows
 */
export async function splitData(inputs: readonly string[], options: SplitDataOptions): Promise<DataSplit> {
  const { output, seed = DEFAULT_SEED, reading, onEvent = () => {} } = options;
  const parts = (["validation", "test"] as const).flatMap((name) => {
    const fraction = options[name];
    return fraction === undefined ? [] : [{ name, fraction }];
  });
  refuseParts(parts.map(({ fraction }) => fraction));
  const names = ["train", ...parts.map(({ name }) => name)];
  const paths = names.map((name) => join(output, `${name}.jsonl`));
  if (options.force !== true) for (const path of paths) refuseExisting(path);
  const prepare = { ...prepareDefaults, ...options.prepare };
  const { dataset, groupFields, rawRows } = await openRows(inputs, reading, prepare.group_by, onEvent);
  const { dataset: rest, steps: before } = await removeDuplicates(dataset, prepare, onEvent);
  const train = rest.subset("train", [...new Array(rest.length).keys()], "piece");
  const split = splitDataset(train, parts, { seed, groupFields }, onEvent);
  const sets = [split.rest, ...split.parts];
  const steps = [...before, ...split.steps, ...(await nearLeaks(sets, prepare.near_threshold, onEvent))];
  const sideOf = sidesOf(sets, dataset.length);
  makeFolder(output);
  const files = paths.map((path) => new RowFile(path));
  try {
    let position = 0;
    for await (const { fields } of rawRows()) {
      const side = sideOf[position++]!;
      if (side !== NO_SIDE) files[side]!.write(fields);
    }
    for (const file of files) file.finish();
  } finally {
    for (const file of files) file[Symbol.dispose]();
  }
  const written = Object.fromEntries(paths.map((path, side) => [path, sets[side]!.length]));
  return { kind: "split", files: written, skipped: dataset.skipped, steps };
}

/** Rows that are alike on both sides are told; it is the caller's to decide about them. */
async function nearLeaks(
  [train, ...judges]: readonly Dataset[],
  threshold: number,
  onEvent: EventSink,
): Promise<PreparationStep[]> {
  const actions = { exact: "ignore", group: "ignore", near: "report" } as const;
  const options = { actions, near_threshold: threshold, groupFields: [], where: () => "" };
  const steps: PreparationStep[] = [];
  for (const judge of judges) steps.push(...(await removeLeaks(train!, judge, options, onEvent)).steps);
  return steps;
}

const NO_SIDE = 255;

/** Which of the sets each row is in. */
function sidesOf(sets: readonly Dataset[], rows: number): Uint8Array {
  const sides = new Uint8Array(rows).fill(NO_SIDE);
  sets.forEach((set, side) => {
    for (let row = 0; row < set.length; row++) sides[set.position(row)] = side;
  });
  return sides;
}

function refuseParts(fractions: readonly number[]): void {
  const sum = fractions.reduce((total, fraction) => total + fraction, 0);
  const wrong = fractions.find((fraction) => !(fraction > 0 && fraction < 1));
  if (fractions.length > 0 && wrong === undefined && sum < 1) return;
  throw new UserError({
    code: "data/fractions",
    message:
      fractions.length === 0
        ? "it is not said what to split off"
        : wrong === undefined
          ? `shares of ${fractions.join(" and ")} leave nothing to train on`
          : `a share of ${wrong} is not between 0 and 1`,
    fix: "take --validation 0.1, --test 0.1 or both",
  });
}

/** @throws UserError when there is a file already */
export function refuseExisting(path: string): void {
  if (!existsSync(path)) return;
  throw new UserError({
    code: "data/exists",
    message: "there is such a file already",
    where: path,
    fix: "choose another --output, or add --force to write over it",
  });
}
