import type { Problems } from "../problems.ts";
import { readJson } from "../readers/json.ts";
import type { RawRow } from "../row.ts";
import type { Source } from "../source.ts";
import { asRecord, type ControlAnswer, readMinValue, readResult } from "./control-answer.ts";

/** A task of Label Studio with all that people said about it. */
export interface LabelledTask {
  /** Where it begins in its file. */
  readonly line: number;
  readonly data: Readonly<Record<string, unknown>>;
  /** In the order in which they were made; of one person the last. */
  readonly annotations: readonly Annotation[];
}

export interface Annotation {
  readonly id: number;
  readonly annotator: string;
  /** The person skipped the task. */
  readonly cancelled: boolean;
  readonly groundTruth: boolean;
  readonly answers: ReadonlyMap<string, ControlAnswer>;
}

/** Label Studio's two JSON exports: a task with its annotations, or a row an annotation with all in one level. */
export type ExportKind = "json" | "json-min";

/** The tasks of an export, one at a time. */
export async function* readTasks(source: Source, kind: ExportKind, problems: Problems): AsyncGenerator<LabelledTask> {
  let open: RawRow[] = [];
  for await (const rows of readJson(source, problems)) {
    for (const row of rows) {
      if (kind === "json") {
        yield taskOf(row);
        continue;
      }
      if (open.length > 0 && open[0]!.fields.id !== row.fields.id) yield taskOfRows(open);
      open = open.length > 0 && open[0]!.fields.id === row.fields.id ? [...open, row] : [row];
    }
  }
  if (open.length > 0) yield taskOfRows(open);
}

/** One task of the JSON export, or of the server's list of tasks. */
export function taskOf({ line, fields }: RawRow): LabelledTask {
  const annotations = [fields.annotations, fields.completions].find(Array.isArray) as unknown[] | undefined;
  return { line, data: asRecord(fields.data), annotations: inOrder((annotations ?? []).map(annotationOf)) };
}

function annotationOf(value: unknown, index: number): Annotation {
  const { id, completed_by, was_cancelled, skipped, ground_truth, result } = asRecord(value);
  const person = asRecord(completed_by);
  return {
    id: typeof id === "number" ? id : index,
    annotator: String(person.id ?? person.email ?? completed_by ?? index),
    cancelled: was_cancelled === true || skipped === true,
    groundTruth: ground_truth === true,
    answers: readResult(result),
  };
}

const afterAnswers = new Set(["annotator", "annotation_id", "created_at", "updated_at", "lead_time"]);

/** JSON-MIN writes the task's data, its id, the answers, and who made them when, in this order. */
function taskOfRows(rows: readonly RawRow[]): LabelledTask {
  const names = Object.keys(rows[0]!.fields);
  const first = new Set(names.slice(0, names.indexOf("id")));
  const data = Object.entries(rows[0]!.fields).filter(([name]) => first.has(name));
  const annotations = rows.flatMap(({ fields }, index): Annotation[] => {
    const { annotator, annotation_id: id } = fields;
    if (annotator === null || annotator === undefined) return [];
    const answers = Object.entries(fields).flatMap(([name, value]) => {
      const isAnswer = !first.has(name) && name !== "id" && !afterAnswers.has(name);
      const answer = isAnswer ? readMinValue(value) : undefined;
      return answer === undefined ? [] : [[name, answer] as const];
    });
    const person = asRecord(annotator);
    return [
      {
        id: typeof id === "number" ? id : index,
        annotator: String(person.id ?? person.email ?? annotator),
        cancelled: false,
        groundTruth: false,
        answers: new Map(answers),
      },
    ];
  });
  return { line: rows[0]!.line, data: Object.fromEntries(data), annotations: inOrder(annotations) };
}

function inOrder(annotations: readonly Annotation[]): readonly Annotation[] {
  if (annotations.length < 2) return annotations;
  const ordered = annotations.toSorted((a, b) => a.id - b.id);
  return ordered.filter(({ annotator }, i) => !ordered.slice(i + 1).some((later) => later.annotator === annotator));
}
