/** Rows of files to tasks of a Label Studio project, with what a model would answer. */
import { basename, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { suggestName } from "../../base/names.ts";
import { Problems } from "../../tune/data/problems.ts";
import { isRunFolder, readRunInfo } from "../../tune/train/run-folder.ts";
import type { LoadedModel, Reading } from "../api/load-model.ts";
import { type Prediction, predict } from "../api/predict.ts";
import type { LabelStudioClient } from "./client.ts";
import { existingTasks, taskHash } from "./existing-tasks.ts";
import { guessOf, partsOf } from "./guess.ts";
import { createProject, isByUncertainty, openProject, type Project } from "./project.ts";
import { Push } from "./push.ts";
import { type TaskRows, taskRows } from "./task-rows.ts";
import type { Measure } from "./uncertainty.ts";

export interface ExportOptions {
  readonly reading: Reading;
  /** Whose answers are shown to people, who get first what it is least sure of. */
  readonly model?: LoadedModel | undefined;
  readonly measure?: Measure | undefined;
  /** Number of the project; undefined: a new one is made. */
  readonly project?: number | undefined;
  /** Name of the control, where the project has several. */
  readonly control?: string | undefined;
  /** Of a new project. */
  readonly title?: string | undefined;
  /** Of a new project; default: the model's, the recipe's, or those that rows have. */
  readonly labels?: readonly string[] | undefined;
  /** Of a new project: whether people may choose several labels. */
  readonly several?: boolean | undefined;
  /** At most so many new tasks: the least certain, or the first. */
  readonly limit?: number | undefined;
  readonly onEvent?: EventSink | undefined;
}

export interface TaskExport {
  readonly kind: "label-studio export";
  readonly project: number;
  readonly url: string;
  readonly created: boolean;
  /** New tasks. */
  readonly tasks: number;
  /** Rows that are tasks of the project already. */
  readonly there: number;
  /** Rows that hold the same as an earlier one. */
  readonly repeated: number;
  /** Tasks that got an answer of the model, new and old. */
  readonly predictions: number;
  readonly modelVersion: string | null;
  readonly skipped: number;
}

/**
 * What is a task of the project already is not pushed again, so that a push that broke off is gone on with by doing it again.
 * @throws UserError when the server cannot be reached or refuses, or rows and project do not fit each other
 */
export async function exportTasks(
  client: LabelStudioClient,
  files: readonly string[],
  options: ExportOptions,
): Promise<TaskExport> {
  const { model, onEvent = () => {} } = options;
  const rows = await taskRows(files, options.reading, options.project === undefined, onEvent);
  const created = options.project === undefined;
  const project = created
    ? await newProject(client, files, rows, options)
    : await openProject(client, options.project!, options.control ?? null);
  if (!created) requireFields(project, rows, client);
  if (model !== undefined) requireLabels(project, model, options);
  const version = model && versionOf(model.artefact.path);
  const problems = new Problems();
  const push = new Push(client, project, version);
  const known = created ? new Map() : await existingTasks(client, project.id, onEvent);
  const counts = { there: 0, repeated: 0 };
  const seen = new Set<string>();
  for await (const { data, prediction } of answeredRows(
    rows,
    files,
    { ...options, labels: labelsFor(project, options) },
    problems,
  )) {
    const hash = taskHash(data);
    const found = known.get(hash);
    if (seen.has(hash)) counts.repeated++;
    else if (found !== undefined) counts.there++;
    const guess = prediction && guessOf(prediction, project.control, model!, options.measure ?? "margin");
    if (!seen.has(hash)) push.add(data, hash, found, guess);
    seen.add(hash);
  }
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: line });
  const sent = await push.send(options.limit ?? Number.POSITIVE_INFINITY, onEvent);
  if (version !== undefined && sent.predictions > 0) await showPredictions(client, project, version, onEvent);
  return {
    kind: "label-studio export",
    project: project.id,
    url: `${client.access.url}/projects/${project.id}`,
    created,
    ...sent,
    ...counts,
    modelVersion: version ?? null,
    skipped: problems.skipped,
  };
}

async function newProject(
  client: LabelStudioClient,
  files: readonly string[],
  rows: TaskRows,
  { model, labels, several, title, reading, onEvent = () => {} }: ExportOptions,
): Promise<Project> {
  const names = labels ?? model?.artefact.labels ?? (await rows.labels());
  if (names === undefined) {
    throw new UserError({
      code: "label-studio/no-labels",
      message: "it is not known which labels people are to choose from",
      where: files.join(", "),
      fix: "name them: --labels a,b,c; or give a model that knows its labels, or a recipe with data.labels",
    });
  }
  const many =
    several ?? reading.multiLabel ?? model?.artefact.answers.multiLabel ?? rows.shape?.labelField === "labels";
  const name = title ?? basename(files[0]!).slice(0, 50);
  const project = await createProject(client, {
    title: name.padEnd(3, "."),
    labels: names,
    several: many,
    ...rows.seen,
  });
  onEvent({
    kind: "choice",
    name: "project",
    value: String(project.id),
    reason: `made, with ${many ? "several choices" : "one choice"} of ${names.length} labels, the least certain tasks first`,
  });
  return project;
}

/** A task without the field that a project shows would be refused by the server, with less of a reason. */
function requireFields({ id, fields }: Project, rows: TaskRows, { access }: LabelStudioClient): void {
  const missing = fields.find((name) => !rows.fields.has(name));
  if (missing === undefined) return;
  throw new UserError({
    code: "label-studio/fields",
    message: `project ${id} shows $${missing}, which the rows do not have`,
    where: `${access.url}/projects/${id}/settings/labeling`,
    fix: `map it: --column ${missing}=NAME; ${suggestName(missing, [...rows.fields])}`,
  });
}

function requireLabels({ id, control }: Project, model: LoadedModel, { onEvent = () => {} }: ExportOptions): void {
  const known = new Set(control.labels);
  const strange = (model.artefact.labels ?? []).flatMap((label) =>
    partsOf(label, control).filter((part) => !known.has(part)),
  );
  if (strange.length > 0) {
    throw new UserError({
      code: "label-studio/labels",
      message: `the model has the label ${JSON.stringify(strange[0])}, project ${id} does not`,
      where: `control ${control.name}`,
      fix: suggestName(strange[0]!, control.labels),
    });
  }
  const multiLabel = model.reading.multiLabel ?? model.artefact.answers.multiLabel;
  if (!multiLabel || control.several) return;
  const message = `the model gives several labels a row, but in ${control.name} people choose one: its most probable is shown`;
  onEvent({ kind: "note", level: "warning", message });
}

/** What a model that knows no labels chooses from. */
function labelsFor({ control }: Project, { model, labels }: ExportOptions): readonly string[] | undefined {
  return labels ?? (model?.artefact.labels === undefined && control.kind === "Choices" ? control.labels : undefined);
}

/** Rows with what the model says to them; without a model, all rows. */
async function* answeredRows(
  rows: TaskRows,
  files: readonly string[],
  { model, labels }: ExportOptions,
  problems: Problems,
): AsyncGenerator<{ data: Readonly<Record<string, unknown>>; prediction: Prediction | undefined }> {
  const predictions = model && predict(model, { data: files, labels, onEvent: () => {} });
  let next = await predictions?.next();
  for await (const { where, data } of rows.rows(problems)) {
    const prediction = next?.done === false && next.value.where === where ? next.value : undefined;
    if (prediction !== undefined) next = await predictions!.next();
    yield { data, prediction };
  }
}

/** Whose answers these are: two runs, or two states of one, are told apart. */
function versionOf(path: string): string {
  // The server lists versions with commas between them.
  const name = basename(resolve(path)).replaceAll(",", " ");
  const hash = isRunFolder(path) ? readRunInfo(path).weightsSha256 : null;
  return hash === null ? name : `${name} ${hash.slice(0, 12)}`;
}

/** People see the predictions of one model, which the project names. */
async function showPredictions(
  client: LabelStudioClient,
  project: Project,
  version: string,
  onEvent: EventSink,
): Promise<void> {
  if (project.modelVersion !== version) {
    await client.patch(`/api/projects/${project.id}/`, { model_version: version, show_collab_predictions: true });
    onEvent({
      kind: "choice",
      name: "predictions shown",
      value: version,
      reason: `model version of project ${project.id}`,
    });
  }
  if (isByUncertainty(project)) return;
  const message = `project ${project.id} gives people tasks by ${project.sampling || "its own order"}; for the least certain first, set task sampling to uncertainty in its settings`;
  onEvent({ kind: "note", level: "info", message });
}
