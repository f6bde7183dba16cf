/** Predictions that lie in a file: ours as JSON lines, or another tool's as a table with a column of labels. */
import { basename } from "node:path";
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import { openDataFiles, readDataFiles } from "../../../tune/data/data-files.ts";
import { textOf, textsOf } from "../../../tune/data/keep-row.ts";
import { Problems } from "../../../tune/data/problems.ts";
import { EXCERPT, refuseTooMany, type SubjectRow, type SubjectRows, scoresOfText } from "./subject-rows.ts";

/** Fields that hold an answer, the surer names first: where one of the first is there, `label` is what is true. */
const ANSWERS = ["prediction", "predictions", "predicted", "predicted_label", "pred", "labels", "label"];
const TARGETS = ["targets", "target", "true_label", "gold", "labels", "label"];

/**
 * Reads a file of `fettle predict` or `fettle eval --predictions`, or any JSONL, JSON, CSV or TSV with a field for the
 * label. Without one, `answer` is a text that is judged by `expected`, or a number in `score` is what each row was worth.
 * @param wanted fields to keep
 * @throws UserError when no field holds answers, or no row has one
 */
export async function readPredictions(
  path: string,
  wanted: readonly string[],
  limit: number | undefined,
  onEvent: EventSink,
): Promise<SubjectRows> {
  const problems = new Problems();
  const files = await openDataFiles([path], { format: "auto", header: "auto", columns: {} }, onEvent);
  const labels = new Map<string, number>();
  const rows: SubjectRow[] = [];
  let fields: Fields | undefined;
  let place = 0;
  for await (const { raw } of readDataFiles(files, problems)) {
    fields ??= chooseFields(raw.fields, path, onEvent);
    place++;
    const answer = answerOf(raw.fields, fields);
    if (answer === undefined) {
      problems.skip(`${path}:${raw.line}`, `${fields.answer} holds no answer`);
      continue;
    }
    refuseTooMany(rows.length, path);
    const probabilities = probabilitiesOf(raw.fields, labels);
    if (probabilities === undefined) {
      problems.change(`${path}:${raw.line}`, "probabilities are not numbers from 0 to 1, and are not used");
    }
    rows.push({ ...readRow(raw.fields, fields, place, wanted), ...answer, ...probabilities });
    if (rows.length === limit) break;
  }
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: line });
  if (rows.length > 0) return { name: basename(path), labels: [...labels.keys()], rows, skipped: problems.skipped };
  throw new UserError({
    code: "compare/no-predictions",
    message: `no row has a prediction${problems.skipped > 0 ? `: ${problems.lines().join("; ")}` : ""}`,
    where: path,
    fix: "write one with `fettle predict MODEL --data FILE --output predictions.jsonl`",
  });
}

interface Fields {
  readonly kind: "label" | "written" | "score";
  readonly answer: string;
  readonly target: string | undefined;
}

type RawFields = Readonly<Record<string, unknown>>;

function chooseFields(fields: RawFields, path: string, onEvent: EventSink): Fields {
  const answer = ANSWERS.find((name) => name in fields);
  const told = (value: string, reason: string): void =>
    onEvent({ kind: "choice", name: `answers of ${path}`, value, reason });
  if (answer === undefined && "answer" in fields && "expected" in fields) {
    told("answer", "a text beside the expected one");
    return { kind: "written", answer: "answer", target: "expected" };
  }
  if (answer === undefined && "score" in fields) {
    told("score", "no field holds labels or texts");
    return { kind: "score", answer: "score", target: undefined };
  }
  if (answer === undefined) {
    throw new UserError({
      code: "compare/no-answers",
      message: `no field holds predictions; the rows have ${Object.keys(fields).slice(0, 12).join(", ")}`,
      where: path,
      fix: "name one `label` or `prediction`; for written answers `answer` and `expected`, or their `score`",
    });
  }
  const isLabel = answer === "label" || answer === "labels";
  const target = TARGETS.find((name) => name in fields && !(isLabel && (name === "label" || name === "labels")));
  told(answer, target === undefined ? "no field says what is true" : `${target} says what is true`);
  return { kind: "label", answer, target };
}

function answerOf(
  fields: RawFields,
  { kind, answer, target }: Fields,
): Pick<SubjectRow, "answer" | "scores"> | undefined {
  const value = fields[answer];
  if (kind === "label") {
    const label = textsOf(value) ?? labelOf(value);
    return label === undefined ? undefined : { answer: label };
  }
  if (kind === "written") {
    const expected = textOf(fields[target!]);
    return typeof value !== "string" || expected === undefined
      ? undefined
      : { answer: value.slice(0, EXCERPT), scores: scoresOfText(value, expected) };
  }
  const score = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof score !== "number" || !Number.isFinite(score)) return undefined;
  return { answer: String(score), scores: { score } };
}

function labelOf(value: unknown): string | undefined {
  const label = textOf(value)?.trim();
  return label === "" ? undefined : label;
}

function readRow(
  fields: RawFields,
  { target }: Fields,
  place: number,
  wanted: readonly string[],
): Omit<SubjectRow, "answer" | "scores"> {
  const row = Number(fields.row);
  const truth = target === undefined ? undefined : fields[target];
  return {
    where: textOf(fields.where),
    row: Number.isSafeInteger(row) && row > 0 ? row : place,
    id: textOf(fields.id),
    target: textsOf(truth) ?? labelOf(truth),
    text: textOf(fields.text ?? fields.prompt)?.slice(0, EXCERPT),
    fields: Object.fromEntries(
      wanted.flatMap((name) => {
        const value = textOf(fields[name]);
        return value === undefined ? [] : [[name, value] as const];
      }),
    ),
  };
}

/** Undefined for what are no probabilities; nothing where none are given. */
function probabilitiesOf(
  fields: RawFields,
  labels: Map<string, number>,
): Pick<SubjectRow, "probabilities"> | undefined {
  const given = fields.probabilities;
  if (typeof given !== "object" || given === null || Array.isArray(given)) return {};
  const entries = Object.entries(given);
  const isShare = (value: unknown): value is number => typeof value === "number" && value >= 0 && value <= 1;
  if (entries.length === 0 || entries.length > MAX_LABELS) return {};
  if (!entries.every(([, value]) => isShare(value))) return undefined;
  for (const [name] of entries) if (!labels.has(name)) labels.set(name, labels.size);
  if (labels.size > MAX_LABELS) return {};
  const probabilities = new Float64Array(labels.size);
  for (const [name, value] of entries) probabilities[labels.get(name)!] = value as number;
  return { probabilities };
}

/** As many as a confusion matrix has. */
const MAX_LABELS = 4096;
