/** What people labelled in a Label Studio project, as rows of a file. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { DataOptions } from "../../base/recipe/recipe.ts";
import { detectFormat } from "../../tune/data/format.ts";
import { type ProblemGroup, Problems } from "../../tune/data/problems.ts";
import type { FormatHints } from "../../tune/data/reader.ts";
import { RowFile, rowFileFormat } from "../../tune/data/row-file.ts";
import { fileSource } from "../../tune/data/source.ts";
import type { LabelStudioClient } from "./client.ts";
import { listTasks } from "./existing-tasks.ts";

export interface ImportOptions {
  readonly project: number;
  /** .jsonl or .json, and .gz; of raw tasks .json. */
  readonly output: string;
  /** Whose answer counts where people differ; default `majority`. */
  readonly annotators?: DataOptions["annotators"] | undefined;
  /** Name of the control that holds the labels; default: the one that is answered most. */
  readonly control?: string | undefined;
  /** Writes the tasks with all annotations, as the server's JSON export has them. */
  readonly raw?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly onEvent?: EventSink | undefined;
}

export interface AnnotationImport {
  readonly kind: "label-studio import";
  readonly project: number;
  readonly output: string;
  /** Tasks of the project. */
  readonly tasks: number;
  /** Rows that were written. */
  readonly rows: number;
  /** Tasks without a label to write, with the reasons. */
  readonly skipped: number;
  readonly problems: readonly ProblemGroup[];
  /** What was found, and how far people agree; null for raw tasks. */
  readonly reason: string | null;
}

/** Members of a task that exports have, and those that labels need. */
const EXPORTED = ["id", "inner_id", "data", "meta", "annotations", "predictions", "created_at", "updated_at"] as const;
const LABELLED = ["id", "data", "annotations"] as const;

/**
 * Memory does not grow with the project: tasks are fetched a page at a time and go to a file.
 * @throws UserError when the server cannot be reached or refuses, nothing is labelled, or the output is there
 */
export async function importAnnotations(client: LabelStudioClient, options: ImportOptions): Promise<AnnotationImport> {
  const { project, output, raw = false, onEvent = () => {} } = options;
  const { format } = rowFileFormat(output);
  if (format === "csv" || format === "tsv" || (raw && format !== "json")) {
    throw new UserError({
      code: "label-studio/output",
      message: raw ? "an export of tasks is one JSON list" : "annotations have lists, which a table does not hold",
      where: output,
      fix: raw ? "end the name in .json" : "write .jsonl, and convert that: fettle data convert",
    });
  }
  if (existsSync(output) && options.force !== true) {
    throw new UserError({
      code: "label-studio/exists",
      message: "there is such a file already",
      where: output,
      fix: "choose another name, or add --force to write over it",
    });
  }
  const asked = { kind: "label-studio import", project, output } as const;
  if (raw) {
    const tasks = await writeTasks(client, project, output, EXPORTED, onEvent);
    return { ...asked, tasks, rows: tasks, skipped: 0, problems: [], reason: null };
  }
  const folder = mkdtempSync(join(tmpdir(), "fettle-label-studio-"));
  try {
    const path = join(folder, "tasks.json");
    const tasks = await writeTasks(client, project, path, LABELLED, onEvent);
    return { ...asked, tasks, ...(await writeRows(path, client, options)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function writeTasks(
  client: LabelStudioClient,
  project: number,
  path: string,
  members: readonly string[],
  onEvent: EventSink,
): Promise<number> {
  using file = new RowFile(path);
  // The server would leave out what annotations say, were it asked for these alone.
  for await (const task of listTasks(client, project, undefined, onEvent)) {
    file.write(Object.fromEntries(members.map((name) => [name, task[name]])));
  }
  if (file.rows === 0) {
    throw new UserError({
      code: "label-studio/empty",
      message: `project ${project} has no tasks`,
      where: `${client.access.url}/projects/${project}`,
      fix: "push some: fettle data label-studio export",
    });
  }
  file.finish();
  return file.rows;
}

async function writeRows(
  path: string,
  client: LabelStudioClient,
  { project, output, annotators, control, onEvent = () => {} }: ImportOptions,
): Promise<Pick<AnnotationImport, "rows" | "skipped" | "problems" | "reason">> {
  const source = fileSource(path, `${client.access.url}/projects/${project}`);
  const hints: FormatHints = { format: "label-studio", header: "auto", columns: [], annotators, control };
  const found = await detectFormat(source, hints);
  onEvent({
    kind: "choice",
    name: `labels of project ${project}`,
    value: annotators ?? "majority",
    reason: found.reason,
  });
  const problems = new Problems();
  using file = new RowFile(output);
  for await (const batch of found.read(problems)) for (const { fields } of batch) file.write(fields);
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: line });
  if (file.rows === 0) {
    throw new UserError({
      code: "label-studio/unlabelled",
      message: `no task of project ${project} has a label to write: ${problems.lines().join("; ")}`,
      where: source.name,
    });
  }
  file.finish();
  return { rows: file.rows, skipped: problems.skipped, problems: problems.groups(), reason: found.reason };
}
