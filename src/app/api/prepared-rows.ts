/** Rows of files as training would read them, beside the rows as the files have them. */
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { prepare } from "../../base/recipe/prepare-schema.ts";
import type { PrepareOptions } from "../../base/recipe/recipe.ts";
import { openDataFiles, readDataFiles } from "../../tune/data/data-files.ts";
import type { Dataset } from "../../tune/data/dataset.ts";
import { keepRow } from "../../tune/data/keep-row.ts";
import { Labels } from "../../tune/data/labels.ts";
import { loadDataset } from "../../tune/data/load-dataset.ts";
import { findGroupFields } from "../../tune/data/prepare/groups.ts";
import type { PreparationStep } from "../../tune/data/prepare/preparation.ts";
import { Problems } from "../../tune/data/problems.ts";
import type { RawRow } from "../../tune/data/row.ts";
import { labelListNames } from "../../tune/data/shape.ts";
import { scratchIn } from "../../tune/data/store/scratch-file.ts";
import { lookAtFields } from "../../tune/data/survey.ts";
import { answering, type DataTask } from "../../tune/data/task.ts";
import { deviceEnvironment } from "../environment.ts";
import type { Reading } from "./load-model.ts";

/** What preparing files has in common. */
export interface PrepareFilesOptions {
  readonly reading: Reading;
  /** Default: that of recipes. */
  readonly seed?: number | undefined;
  /** Writes over files that are there. */
  readonly force?: boolean | undefined;
  readonly onEvent?: EventSink | undefined;
}

/** What was written, and how it came about. */
export interface PreparedFiles {
  /** Rows by the file they were written to. */
  readonly files: Readonly<Record<string, number>>;
  /** Rows that cannot be used in training, and are in no file. */
  readonly skipped: number;
  readonly steps: readonly PreparationStep[];
}

export interface OpenRows {
  readonly dataset: Dataset;
  readonly groupFields: readonly string[];
  /** The rows that the set has, in its order, as the files have them. @throws UserError when the files have changed */
  readonly rawRows: () => AsyncGenerator<RawRow>;
}

/** The defaults of a recipe's section. */
export const prepareDefaults: PrepareOptions = prepare.parse({});

export const DEFAULT_SEED = 42;

/**
 * @param groupBy see `prepare.group_by`
 * @throws UserError for files that cannot be read, or that hold nothing training could use
 */
export async function openRows(
  inputs: readonly string[],
  { data, template, multiLabel }: Reading,
  groupBy: PrepareOptions["group_by"],
  onEvent: EventSink,
): Promise<OpenRows> {
  const quiet: EventSink = () => {};
  const files = await openDataFiles(inputs, data, quiet);
  const groupFields = await findGroupFields(inputs, data, { by: groupBy, where: inputs.join(", ") }, onEvent);
  const { lists } = await lookAtFields(files, data.columns);
  const conversations = lists.has("messages") || lists.has("conversations");
  const several = multiLabel ?? (!conversations && labelListNames.some((name) => lists.has(name)));
  // Several labels a row are read as for a class head: one row each, and no question.
  const kind = several ? { ...answering, classHead: true, multiLabel: true } : answering;
  const task: DataTask = { ...kind, groupFields };
  const scratch = scratchIn(deviceEnvironment().cacheFolder);
  const options = { name: "rows", data: { ...data, limit: null }, template, task, scratch };
  const dataset = await loadDataset(inputs, options, onEvent);
  const labels = dataset.labels && (data.labels === null ? dataset.labels : Labels.declared(data.labels));
  const rules = { shape: dataset.shape, columns: data.columns, labels, task, answerOptional: false };
  async function* rawRows(): AsyncGenerator<RawRow> {
    let kept = 0;
    for await (const { raw, path } of readDataFiles(files, new Problems())) {
      if (keepRow(raw, path, rules, new Problems()) === undefined) continue;
      kept++;
      yield raw;
    }
    if (kept === dataset.length) return;
    throw new UserError({
      code: "data/changed",
      message: "the files changed while they were read",
      where: inputs.join(", "),
    });
  }
  return { dataset, groupFields, rawRows };
}
