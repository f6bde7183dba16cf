/** Rows of files as the tasks that they become. */
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { openDataFiles, readDataFiles } from "../../tune/data/data-files.ts";
import type { RowSource } from "../../tune/data/format.ts";
import { shapeFields } from "../../tune/data/keep-row.ts";
import type { Problems } from "../../tune/data/problems.ts";
import { askedField, detectShape, labelListNames, type Shape, type ShapeHints } from "../../tune/data/shape.ts";
import { lookAtFields, surveyRows } from "../../tune/data/survey.ts";
import { answering } from "../../tune/data/task.ts";
import type { Reading } from "../api/load-model.ts";
import type { NewProject } from "./project.ts";

export interface TaskRow {
  /** `file:line` */
  readonly where: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface TaskRows {
  /** Undefined where rows are of no known shape and need none. */
  readonly shape: Shape | undefined;
  /** Names that the first tasks have. */
  readonly fields: ReadonlySet<string>;
  /** What people need to see. */
  readonly seen: Pick<NewProject, "texts" | "dialogue">;
  /** All rows in order, without their labels; may be called again. */
  rows(problems: Problems): AsyncGenerator<TaskRow>;
  /** The labels that rows have; undefined without any. */
  labels(): Promise<readonly string[] | undefined>;
}

/**
 * @param needsShape whether it must be known what people are to see
 * @throws UserError when a file cannot be read, or that is not known
 */
export async function taskRows(
  paths: readonly string[],
  reading: Reading,
  needsShape: boolean,
  onEvent: EventSink,
): Promise<TaskRows> {
  const { data, template } = reading;
  const { columns } = data;
  const files = await openDataFiles(paths, data, onEvent);
  const found = await lookAtFields(files, columns);
  const several = reading.multiLabel ?? labelListNames.some((name) => found.lists.has(name));
  const hasLabel = [...labelListNames, ...Object.keys(columns)].some((name) => found.fields.has(name));
  const task = several && hasLabel ? { ...answering, classHead: true, multiLabel: true } : answering;
  const hints = { ...found, template, columns, task, labelExpected: false, where: paths.join(", ") };
  const shape = needsShape ? detectShape(hints) : shapeIfAny(hints);
  if (shape) onEvent({ kind: "choice", name: "shape of the rows", value: shape.kind, reason: shape.reason });
  const ours = new Map(Object.entries(columns).map(([name, column]) => [String(column), name]));
  const labelName = shape ? shape.labelField : labelListNames.find((name) => found.fields.has(name));
  return {
    shape,
    fields: new Set([...found.fields].filter((name) => name !== labelName && !ours.has(name))),
    seen: shape ? seenFields(shape, found.fields) : { texts: [], dialogue: undefined },
    rows: (problems) => rowsOf(files, ours, labelName, problems),
    async labels() {
      if (data.labels === null && labelName === undefined) return undefined;
      const survey = await surveyRows(
        files,
        { name: "the rows", data: { ...data, limit: null }, template, task },
        onEvent,
      );
      return survey.labels?.names;
    },
  };
}

async function* rowsOf(
  files: readonly RowSource[],
  ours: ReadonlyMap<string, string>,
  labelName: string | undefined,
  problems: Problems,
): AsyncGenerator<TaskRow> {
  for await (const { raw, path } of readDataFiles(files, problems)) {
    const where = `${path}:${raw.line}`;
    const named = Object.entries(raw.fields).map(([name, value]) => [ours.get(name) ?? name, value] as const);
    const data = Object.fromEntries(named.filter(([name]) => name !== labelName));
    yield { where, data: storable(data, where, problems) };
  }
}

function shapeIfAny(hints: ShapeHints): Shape | undefined {
  try {
    return detectShape(hints);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** What people see of a row: what the model is shown of it. */
function seenFields(shape: Shape, fields: ReadonlySet<string>): TaskRows["seen"] {
  if (shape.kind !== "messages") {
    return { texts: shapeFields(shape).filter((name) => name !== askedField), dialogue: undefined };
  }
  const field = shape.fields[0]!;
  const isShareGpt = field === "conversations" && fields.has("conversations");
  const [role, content] = isShareGpt ? (["from", "value"] as const) : (["role", "content"] as const);
  return { texts: [field], dialogue: { field, role, content } };
}

/** Databases of servers take neither NUL nor half a surrogate pair. */
function storable(
  data: Readonly<Record<string, unknown>>,
  where: string,
  problems: Problems,
): Readonly<Record<string, unknown>> {
  if (!/\\u(?:0000|d[89a-f]..)/.test(JSON.stringify(data))) return data;
  let changed = false;
  const mended: unknown = JSON.parse(JSON.stringify(data), (_, value: unknown) => {
    if (typeof value !== "string") return value;
    const text = value.replace(/[\0\p{Surrogate}]/gu, "\uFFFD");
    changed ||= text !== value;
    return text;
  });
  if (!changed) return data;
  problems.change(where, "a character that no server stores, replaced by U+FFFD");
  return mended as Readonly<Record<string, unknown>>;
}
