/** The rows that a model is to label. */
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { DataOptions, TemplateOptions } from "../../base/recipe/recipe.ts";
import type { Dataset } from "../../tune/data/dataset.ts";
import { fieldOf, keepRow } from "../../tune/data/keep-row.ts";
import { Labels } from "../../tune/data/labels.ts";
import { datasetOf, loadDataset } from "../../tune/data/load-dataset.ts";
import { parseTextTemplate } from "../../tune/data/placeholders.ts";
import { Problems } from "../../tune/data/problems.ts";
import { detectShape } from "../../tune/data/shape.ts";
import { RowStore } from "../../tune/data/store/row-store.ts";
import { scratchIn } from "../../tune/data/store/scratch-file.ts";
import type { DataTask } from "../../tune/data/task.ts";
import type { Decision } from "../../tune/score/decision.ts";
import { type Classifier, labelNames } from "../../tune/score/predict-rows.ts";
import { decisionOf } from "../../tune/train/answers.ts";
import type { ArtefactFacts } from "../../tune/train/artefact-facts.ts";
import { deviceEnvironment } from "../environment.ts";
import { dataPaths } from "./data-paths.ts";
import type { LoadedModel, Reading } from "./load-model.ts";
import { isSetAside, loadSetAside } from "./set-aside.ts";

/** What of a model decides how rows are read and labelled, apart from its weights. */
export interface AskedModel {
  readonly artefact: Pick<ArtefactFacts, "answers" | "labels" | "path">;
  readonly reading: Reading;
}

export interface ScoringSetOptions {
  /** Label names, in place of those of the run or recipe. */
  readonly labels?: readonly string[] | undefined;
  /** At most this many rows. */
  readonly limit?: number | undefined;
  /** Format of the files; default: as the recipe says, by default by their content. */
  readonly format?: "auto" | "text" | undefined;
  /** Keep rows without a label. */
  readonly answerOptional: boolean;
  /** What the rows are, and which of a run's own rows `RUN/splits.json` means; default `test`. */
  readonly part?: "validation" | "test" | undefined;
}

/** Rows of files, read as in training. @throws UserError when no row is left */
export async function loadScoringSet(
  { artefact, reading }: LoadedModel,
  files: readonly string[],
  { labels, limit, format, answerOptional, part = "test" }: ScoringSetOptions,
  onEvent: EventSink,
): Promise<Dataset> {
  const { data, template } = reading;
  const options = {
    name: part,
    data: { ...data, limit: limit ?? null, ...(format && { format }) },
    template,
    labels: labelsOf({ artefact, labels: reading.data.labels }, labels),
    task: taskOf({ artefact, reading }),
    answerOptional,
    scratch: scratchIn(deviceEnvironment().cacheFolder),
  };
  if (files.length === 1 && isSetAside(files[0]!)) return loadSetAside(files[0]!, options, limit, onEvent);
  return loadDataset(await dataPaths(files, part, onEvent), options, onEvent);
}

/** What answers to the rows of a set, and how. */
export function classifierOf({ artefact, reading }: LoadedModel, dataset: Dataset): Classifier {
  const { model, encoder, encodeOptions } = artefact;
  return { model, encoder, encodeOptions, decision: decisionFor({ artefact, reading }, dataset) };
}

/** How the labels of a set's rows are chosen. */
export function decisionFor({ artefact: { answers }, reading }: AskedModel, dataset: Dataset): Decision {
  const multiLabel = reading.multiLabel ?? answers.multiLabel;
  return decisionOf({ ...answers, multiLabel }, labelNames(dataset), reading.positiveLabel);
}

/** What rows are read for, by who answers. */
export function taskOf({ artefact, reading }: AskedModel): DataTask {
  const { head, multiLabel } = artefact.answers;
  return { classHead: head !== undefined, multiLabel: reading.multiLabel ?? multiLabel, sampleWeight: undefined };
}

/** Who may say which labels there are. */
export interface LabelSources {
  readonly artefact: AskedModel["artefact"];
  /** The recipe's. */
  readonly labels: DataOptions["labels"] | undefined;
}

/** The recipe's labels may map what files say to names; a class head's are in the order of its outputs. */
export function labelsOf(
  { artefact, labels: ofRecipe }: LabelSources,
  given: readonly string[] | undefined,
): Labels | undefined {
  const known = given ?? ofRecipe ?? artefact.labels;
  const labels = known && Labels.declared(known);
  const { head, file } = artefact.answers;
  if (head === undefined || labels === undefined) return labels;
  const own = artefact.labels!;
  // Names for the outputs of a head that came without any.
  const unnamed = file === undefined && own.every((name, i) => name === `LABEL_${i}`);
  return unnamed && labels.names.length === own.length ? labels : labels.inOrder(own, artefact.path);
}

/**
 * Rows of texts at hand: each is the one field of the user's message.
 * @throws UserError when labels are not known, or the message has several fields
 */
export function scoringSetOf(model: AskedModel, texts: readonly string[], labels?: readonly string[]): Dataset {
  return setOfRows(model, rowsOfTexts(model, texts), { columns: {}, labels });
}

/** Texts as rows: each is the one field of the user's message. @throws UserError when the message has several */
export function rowsOfTexts(
  { reading: { template } }: Pick<AskedModel, "reading">,
  texts: readonly string[],
): Readonly<Record<string, string>>[] {
  const field = textField(template);
  return texts.map((text) => ({ [field]: text }));
}

export interface SetOfRowsOptions {
  /** What `data.columns` of a recipe is. */
  readonly columns: DataOptions["columns"];
  /** Label names, in place of the model's. */
  readonly labels?: readonly string[] | undefined;
  /** Told what becomes of rows that cannot be used. */
  readonly problems?: Problems | undefined;
}

/**
 * Rows at hand: their fields, as they would stand in a file.
 * @throws UserError when labels are not known, no shape fits the rows, or none can be used
 */
export function setOfRows(
  { artefact, reading }: AskedModel,
  rows: readonly Readonly<Record<string, unknown>>[],
  { columns, labels, problems = new Problems() }: SetOfRowsOptions,
): Dataset {
  const known = labelsOf({ artefact, labels: reading.data.labels }, labels);
  if (known === undefined) {
    throw new UserError({
      code: "predict/no-labels",
      message: "it is not known which labels to choose from",
      where: artefact.path,
      fix: "name them: --labels a,b,c (a run that was trained on labels knows its own)",
    });
  }
  const { template } = reading;
  const task = taskOf({ artefact, reading });
  const shape = detectShape({
    ...namesIn(rows, columns),
    columns,
    template,
    task,
    labelExpected: true,
    where: "the text",
  });
  const rules = { shape, columns, labels: known, task, answerOptional: true };
  const kept = rows.flatMap((fields, i) => keepRow({ line: i + 1, fields }, "text", rules, problems) ?? []);
  if (kept.length === 0) {
    throw new UserError({
      code: "predict/no-text",
      message: `there is nothing to label: ${problems.lines().join("; ")}`,
    });
  }
  return datasetOf("text", shape, known, RowStore.of(kept), problems, task);
}

/** Names that the rows have, after `columns` was applied, and those under which they hold lists. */
function namesIn(
  rows: readonly Readonly<Record<string, unknown>>[],
  columns: DataOptions["columns"],
): { readonly fields: ReadonlySet<string>; readonly lists: ReadonlySet<string> } {
  const fields = new Set<string>();
  const lists = new Set<string>();
  for (const row of rows) {
    for (const name of [...Object.keys(row), ...Object.keys(columns)]) {
      const value = fieldOf({ line: 0, fields: row }, name, columns);
      if (value !== undefined) fields.add(name);
      if (Array.isArray(value)) lists.add(name);
    }
  }
  return { fields, lists };
}

/** The only field of the user's message. */
function textField({ user, text }: TemplateOptions): string {
  const template = user ?? text;
  if (template === null) return "text";
  const names = parseTextTemplate(template, new Set()).unknown.filter((name) => name !== "label");
  if (names.length === 1) return names[0]!;
  throw new UserError({
    code: "predict/several-fields",
    message: `the user's message has ${names.length === 0 ? "no field" : `the fields ${names.join(", ")}`}, not just one`,
    where: "template.user",
    fix: "give rows with these fields in a file: --data FILE",
  });
}
