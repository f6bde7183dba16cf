/** The rows of data files, for what is true of them and for their fields. */
import type { EventSink } from "../../../base/events.ts";
import { openDataFiles, readDataFiles } from "../../../tune/data/data-files.ts";
import { keepRow, textOf } from "../../../tune/data/keep-row.ts";
import { Problems } from "../../../tune/data/problems.ts";
import type { RawRow } from "../../../tune/data/row.ts";
import { surveyRows } from "../../../tune/data/survey.ts";
import { dataPaths } from "../data-paths.ts";
import type { Reading } from "../load-model.ts";
import { filesOfSetAside, isSetAside } from "../set-aside.ts";
import { EXCERPT, refuseTooMany, type SubjectRow, type SubjectRows } from "./subject-rows.ts";

/** Fields of rows by `file:line`, of those that are wanted and the row's `id`. */
export async function dataFields(
  data: readonly string[],
  reading: Reading["data"],
  wanted: readonly string[],
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const rows = new Map<string, Readonly<Record<string, string>>>();
  for await (const { raw, path } of rawRows(data, reading, "test")) {
    refuseTooMany(rows.size, path);
    rows.set(`${path}:${raw.line}`, fieldsOf(raw, ["id", ...wanted]));
  }
  return rows;
}

/** Rows of files, or of the training files that a run set its rows aside from, as they are read. */
export async function* rawRows(
  data: readonly string[],
  reading: Reading["data"],
  part: "validation" | "test",
): AsyncGenerator<{ readonly raw: RawRow; readonly path: string }> {
  const aside = data.length === 1 && isSetAside(data[0]!);
  const paths = aside ? await filesOfSetAside(data[0]!, () => {}) : await dataPaths(data, part, () => {});
  const files = await openDataFiles(paths, reading, () => {}, aside ? "train" : part);
  yield* readDataFiles(files, new Problems());
}

/**
 * What is true of the rows of files: their labels, as answers of a subject that is always right.
 * @throws UserError when no row has a label
 */
export async function trueRows(
  data: readonly string[],
  { data: options, template }: Pick<Reading, "data" | "template">,
  { wanted, multiLabel }: { readonly wanted: readonly string[]; readonly multiLabel: boolean },
  onEvent: EventSink,
): Promise<SubjectRows> {
  const task = { classHead: false, multiLabel, sampleWeight: undefined };
  const files = await openDataFiles(await dataPaths(data, "test", onEvent), options, onEvent, "test");
  const survey = { name: "test", data: { ...options, limit: null }, template, task };
  const { shape, labels } = await surveyRows(files, survey, onEvent);
  const problems = new Problems();
  const rules = { shape, columns: options.columns, labels, task, answerOptional: false };
  const rows: SubjectRow[] = [];
  for await (const { raw, path } of readDataFiles(files, problems)) {
    const row = keepRow(raw, path, rules, problems);
    if (row === undefined) continue;
    const names = (row.labels ?? (row.label === undefined ? [] : [row.label])).map((c) => labels!.names[c]!);
    if (row.labels === undefined && names.length === 0) continue;
    refuseTooMany(rows.length, path);
    const answer = multiLabel ? names : names[0]!;
    const texts = row.messages?.map(({ content }) => content) ?? Object.values(row.values);
    const text = texts.toSorted((a, b) => b.length - a.length)[0] ?? "";
    rows.push({
      where: `${path}:${raw.line}`,
      row: rows.length + 1,
      id: textOf(raw.fields.id),
      answer,
      target: answer,
      text: text.slice(0, EXCERPT),
      characters: text.length,
      fields: fieldsOf(raw, wanted),
    });
  }
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: line });
  return { name: data.join(", "), labels: labels?.names ?? [], rows, skipped: problems.skipped };
}

function fieldsOf({ fields }: RawRow, wanted: readonly string[]): Record<string, string> {
  const entries = wanted.flatMap((name) => {
    const value = Object.hasOwn(fields, name) ? textOf(fields[name]) : undefined;
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}
