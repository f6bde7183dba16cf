import { existsSync, statSync } from "node:fs";
import { basename } from "node:path";
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import { parseHubName } from "../../../base/hub-name.ts";
import { data as dataSchema, template as templateSchema } from "../../../base/recipe/data-schema.ts";
import { loadRecipe } from "../../../base/recipe/load.ts";
import { isRunFolder } from "../../../tune/train/run-folder.ts";
import { readSplit } from "../../../tune/train/splits.ts";
import { type LoadModelOptions, loadModel, type Reading } from "../load-model.ts";
import { folderOf } from "../pull.ts";
import { isSetAside } from "../set-aside.ts";
import { testFilesOf, validationFilesOf } from "../test-files.ts";
import { dataFields, trueRows } from "./data-rows.ts";
import { modelRows } from "./model-rows.ts";
import { readPredictions } from "./prediction-file.ts";
import type { SubjectRows } from "./subject-rows.ts";
import { wholeTexts } from "./whole-texts.ts";

export interface LoadSubjectsOptions {
  readonly data: readonly string[] | undefined;
  readonly labels: readonly string[] | undefined;
  readonly limit: number | undefined;
  /** Of a written answer. */
  readonly maxNewTokens: number | undefined;
  /** Fields of rows to keep. */
  readonly wanted: readonly string[];
  /** Rows are to be read in full, and runs to answer to their validation rows too: for tools beside them. */
  readonly whole: boolean;
  readonly load: LoadModelOptions;
}

export interface LoadedSubjects {
  /** In the order of their names. */
  readonly subjects: readonly SubjectRows[];
  /** What is true, where files say so that no model has read. */
  readonly truth: SubjectRows | undefined;
  /** Rows in full by `where`, those of validation sets among them; empty where they were not asked for. */
  readonly texts: ReadonlyMap<string, string>;
}

/**
 * What runs, models and prediction files say to the rows of a test set. Models are loaded one at a time, runs first: a model that
 * was not tuned here reads rows as the first run does.
 * @throws UserError when one cannot be read, or it is not known which rows to score
 */
export async function loadSubjects(
  names: readonly string[],
  options: LoadSubjectsOptions,
  onEvent: EventSink,
): Promise<LoadedSubjects> {
  const { labels, limit, maxNewTokens, wanted, whole, load } = options;
  const isFile = (name: string): boolean => statSync(name, { throwIfNoEntry: false })?.isFile() ?? false;
  const models = names.filter((name) => !isFile(name));
  for (const name of models) {
    if (!existsSync(name) && parseHubName(name) === undefined) throw missing(name);
    // A name that means nothing is told before anything is scored.
    await folderOf(name, { onEvent });
  }
  const data = options.data ?? (models.length > 0 ? testFiles(models) : undefined);
  const answered = new Map<string, SubjectRows>();
  const texts = new Map<string, string>();
  let reading: Reading | undefined;
  for (const name of models.toSorted((a, b) => Number(isRunFolder(b)) - Number(isRunFolder(a)))) {
    if (answered.has(name)) continue;
    const given = isRunFolder(name) ? undefined : reading;
    using model = await loadModel(name, { ...load, ...(given && { reading: given }), onEvent });
    reading ??= withLabels(model.reading, model.artefact.labels);
    const rows = await modelRows(model, { data: data!, labels, limit, maxNewTokens }, onEvent);
    const held = whole && rows.thresholds !== undefined ? validationFilesOf(name) : undefined;
    if (held === undefined) {
      answered.set(name, rows);
      continue;
    }
    const { rows: validation } = await modelRows(
      model,
      { ...NO_LIMITS, data: held, labels, part: "validation" },
      onEvent,
    );
    answered.set(name, { ...rows, validation });
    for (const entry of await wholeTexts(held, model.reading.data, "validation")) texts.set(...entry);
  }
  for (const name of names.filter(isFile)) {
    if (!answered.has(name)) answered.set(name, await readPredictions(name, wanted, limit, onEvent));
  }
  const subjects = names.map((name) => answered.get(name)!);
  if (data === undefined) return { subjects, truth: undefined, texts };
  const files = reading?.data ?? readingOf(load.recipe).data;
  if (whole) for (const entry of await wholeTexts(data, files, "test")) texts.set(...entry);
  if (models.length > 0) {
    const fields = await dataFields(data, reading!.data, wanted);
    const scored = new Set(models.map((name) => answered.get(name)));
    return {
      subjects: subjects.map((rows) => (scored.has(rows) ? withFields(rows, fields) : rows)),
      truth: undefined,
      texts,
    };
  }
  const multiLabel = subjects.some(({ rows }) => typeof rows[0]!.answer === "object");
  const truth = await trueRows(data, readingOf(load.recipe), { wanted, multiLabel }, onEvent);
  return { subjects, truth, texts };
}

const NO_LIMITS = { limit: undefined, maxNewTokens: undefined } as const;

function missing(name: string): UserError {
  return new UserError({
    code: "compare/missing",
    message: "there is no such run, model or file of predictions",
    where: name,
    fix: "check the path",
  });
}

/** The test set of the recipes, where all runs have the same. @throws UserError where they have none, or several */
function testFiles(models: readonly string[]): readonly string[] {
  const sets = models.flatMap((run) => {
    const files = testFilesOf(run);
    return files === undefined ? [] : [files];
  });
  const distinct = new Set(sets.map(identityOf));
  if (distinct.size === 1) return sets[0]!;
  throw new UserError({
    code: "compare/no-data",
    message:
      distinct.size === 0
        ? "it is not known which rows to compare on: no run has a test set (data.test) of its own"
        : `the runs have different test sets: ${sets.map((set) => set.map((path) => basename(path)).join(", ")).join(" and ")}`,
    where: models.join(", "),
    fix: "name the rows: --data FILE",
  });
}

/** Runs that set the same rows aside have the same test set. */
function identityOf(files: readonly string[]): string {
  return isSetAside(files[0]!) ? readSplit(files[0]!, "test").sha256 : files.join("\0");
}

function readingOf(recipe: string | undefined): Pick<Reading, "data" | "template"> {
  if (recipe === undefined) return { data: dataSchema.parse({}), template: templateSchema.parse({}) };
  const { data, template } = loadRecipe(recipe, { purpose: "evaluate" }).recipe;
  return { data, template };
}

/** The recipe's labels may map what files say to names; the run's names are for where it has none. */
function withLabels(reading: Reading, labels: readonly string[] | undefined): Reading {
  return { ...reading, data: { ...reading.data, labels: reading.data.labels ?? labels ?? null } };
}

function withFields(subject: SubjectRows, fields: ReadonlyMap<string, Readonly<Record<string, string>>>): SubjectRows {
  const rows = subject.rows.map((row) => {
    const own = fields.get(row.where!) ?? {};
    return { ...row, id: own.id, fields: own };
  });
  return { ...subject, rows };
}
