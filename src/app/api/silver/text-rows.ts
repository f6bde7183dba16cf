import type { EventSink } from "../../../base/events.ts";
import { openDataFiles, readDataFiles } from "../../../tune/data/data-files.ts";
import { fieldOf, textOf } from "../../../tune/data/keep-row.ts";
import { Problems } from "../../../tune/data/problems.ts";
import { textNames } from "../../../tune/data/shape.ts";
import type { Reading } from "../load-model.ts";

export interface TextRow {
  /** `rows.jsonl:17` */
  readonly where: string;
  /** The row's fields, less the one with the text. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Rows that are in memory at a time, with what is said of them. */
const CHUNK = 512;

/** Rows of files with their texts, some at a time; those without a text are counted and told. */
export async function* textRows(
  paths: readonly string[],
  { data }: Reading,
  counts: { skipped: number },
  onEvent: EventSink,
): AsyncGenerator<readonly TextRow[]> {
  const problems = new Problems();
  const files = await openDataFiles(paths, data, onEvent);
  const names = "text" in data.columns ? ["text"] : textNames;
  let rows: TextRow[] = [];
  let read = 0;
  let kept = 0;
  for await (const { raw, path } of readDataFiles(files, problems)) {
    const where = `${path}:${raw.line}`;
    read++;
    const name = names.find((one) => (textOf(fieldOf(raw, one, data.columns)) ?? "").trim() !== "");
    if (name === undefined) {
      problems.skip(where, "no text");
      continue;
    }
    kept++;
    const fields = { ...raw.fields };
    delete fields[Object.hasOwn(data.columns, name) ? String(data.columns[name]) : name];
    rows.push({ where, fields, text: textOf(fieldOf(raw, name, data.columns))! });
    if (rows.length === CHUNK) {
      yield rows;
      rows = [];
    }
  }
  if (rows.length > 0) yield rows;
  counts.skipped += read - kept;
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: line });
}
