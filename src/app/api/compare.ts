import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { compareAnswers, DEFAULT_RESAMPLES } from "../../tune/evaluate/compare/compare-answers.ts";
import type { Comparison } from "../../tune/evaluate/compare/comparison.ts";
import type { Slicing } from "../../tune/evaluate/compare/slices.ts";
import type { TextKind } from "../tools/tool.ts";
import { answersOfRows } from "./compare/answers-of-rows.ts";
import { loadSubjects } from "./compare/load-subjects.ts";
import { matchRows } from "./compare/match-rows.ts";
import { byField, byLabel, byLength } from "./compare/slicings.ts";
import type { Answer, SubjectRow, SubjectRows } from "./compare/subject-rows.ts";
import { targetsOf } from "./compare/targets.ts";
import { findPanel } from "./compare/tools/ask-panel.ts";
import { askAll, compareWithTools } from "./compare/tools/compare-with-tools.ts";
import { taxonomyOfRuns } from "./compare/tools/taxonomy-of-runs.ts";
import type { LoadModelOptions } from "./load-model.ts";

export interface CompareSubjectsOptions extends Omit<LoadModelOptions, "base" | "reading"> {
  /** Files with labelled rows; default: the test set of the runs, or what the prediction files say is true. */
  readonly data?: readonly string[] | undefined;
  /** Label names, for models that do not know their own. */
  readonly labels?: readonly string[] | undefined;
  /** At most this many rows. */
  readonly limit?: number | undefined;
  /** What decides between written answers: `exact_match`, `token_f1` (default), … */
  readonly metric?: string | undefined;
  /** Most tokens of a written answer; default 256. */
  readonly maxNewTokens?: number | undefined;
  /** Fields of the rows to slice by, besides label and length. */
  readonly by?: readonly string[] | undefined;
  /** Field that says which rows belong together, such as an author: they are drawn and tested together. */
  readonly group?: string | undefined;
  /** Bootstrap draws; default 2,000. */
  readonly resamples?: number | undefined;
  readonly seed?: number | undefined;
  /** Scanners that answer to the same rows: `hadolint`, `trivy`, … */
  readonly tools?: readonly string[] | undefined;
  /** File that says which rules of the tools mean which label; default: `scan.taxonomy` of the runs' recipes. */
  readonly taxonomy?: string | undefined;
  /** What the rows are, for the tools; default `dockerfile`. */
  readonly kind?: TextKind | undefined;
  /** File with what the tools said: read where it is there, and then no tool is run; written otherwise. */
  readonly toolAnswers?: string | undefined;
  readonly onEvent?: EventSink | undefined;
}

/** A row to which not all give the same answer. */
export interface Disagreement {
  readonly where?: string | undefined;
  readonly row: number;
  readonly target?: Answer | undefined;
  /** By the subject's name. */
  readonly answers: Readonly<Record<string, Answer>>;
  readonly text?: string | undefined;
}

export interface ComparisonResult extends Comparison {
  /** What rows were matched by. */
  readonly matchedBy: string;
  /** Rows of each subject that were left out: not all have them, or it is not known what is true. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** First those that one has right and another wrong. */
  readonly disagreements: readonly Disagreement[];
}

/**
 * Compares runs, models and prediction files on the same rows, and says which differences are no accident.
 *
 *     const { pairs } = await compare(["runs/a", "runs/b"], { data: ["test.jsonl"] });
 *     console.log(pairs[0].verdict, pairs[0].differences.accuracy);
 *
 * @param names run folders, model folders, `ORG/NAME` on the hub, or files of predictions; two at least, tools counted
 * @throws UserError when one cannot be read, or they have no row in common whose label is known
 */
export async function compare(
  names: readonly string[],
  options: CompareSubjectsOptions = {},
): Promise<ComparisonResult> {
  const { data, labels, limit, metric, maxNewTokens, by = [], group, resamples, seed, ...rest } = options;
  const { tools = [], taxonomy, kind = "dockerfile", toolAnswers: kept, ...load } = rest;
  const { onEvent = () => {} } = load;
  const count = names.length + tools.length;
  if (count < 2 || count > MAX_SUBJECTS || names.length === 0) throw wrongCount(count);
  if (tools.length === 0 && [taxonomy, options.kind, kept].some((given) => given !== undefined)) throw noTools();
  const wanted = [...by, ...(group === undefined ? [] : [group])];
  const findAll = () =>
    findPanel({ names: tools, taxonomy: taxonomy ?? taxonomyOfRuns(names, load.recipe), kind, kept }, onEvent);
  const ask = tools.length > 0 ? await findAll() : undefined;
  const whole = ask !== undefined;
  const loaded = await loadSubjects(names, { data, labels, limit, maxNewTokens, wanted, whole, load }, onEvent);
  const models = distinctNames(loaded.subjects, names);
  const asked = ask && (await askAll(ask, loaded, onEvent));
  const subjects = [...models, ...(asked?.subjects ?? [])];
  const matched = matchRows(loaded.truth === undefined ? subjects : [...subjects, loaded.truth]);
  onEvent({ kind: "choice", name: "rows matched by", value: matched.by, reason: "what all subjects have" });
  const { rows, targets } = targetsOf(matched.rows, subjects);
  const leftOut = Object.fromEntries(subjects.map(({ name, rows: own }) => [name, own.length - rows.length]));
  tellLeftOut(leftOut, rows.length, onEvent);
  const groups = group === undefined ? undefined : { by: group, keys: keysOf(rows, group) };
  const draws = { resamples: resamples ?? DEFAULT_RESAMPLES, seed: seed ?? 0 };
  const beside =
    asked && compareWithTools({ ...asked, models, rows, targets }, { ...draws, groups: groups?.keys }, onEvent);
  const table = answersOfRows(subjects, rows, targets, metric, onEvent);
  const comparison = compareAnswers(table, {
    ...draws,
    onProgress: (done) => onEvent({ kind: "progress", task: "bootstrap", done, total: draws.resamples, unit: "draws" }),
    groups,
    slicings: [...ownSlicings(rows, targets), ...by.map((field) => byField(field, fieldOf(rows, field)))],
    // Of tools beside models it is asked who is right, not which tool is the better one.
    apart: asked?.subjects.map(({ name }) => name),
  });
  const disagreements = disagreementsOf(rows, targets, subjects);
  return { ...comparison, beside, matchedBy: matched.by, leftOut, disagreements };
}

const MAX_SUBJECTS = 20;

function wrongCount(count: number): UserError {
  return new UserError({
    code: "compare/subjects",
    message: count < 2 ? "a comparison needs two at least" : `a comparison is of ${MAX_SUBJECTS} at most`,
    fix: "fettle compare A B: each a run, a model or a file of predictions; or one of these with --tools",
  });
}

function noTools(): UserError {
  return new UserError({
    code: "compare/no-tools",
    message: "a taxonomy, a kind of file and answers of tools are for tools, and none is named",
    fix: "name them: --tools hadolint,trivy,kics,terrascan",
  });
}

/** By the last part of their paths where that tells them apart, otherwise by what they were called. */
function distinctNames(subjects: readonly SubjectRows[], names: readonly string[]): SubjectRows[] {
  const short = subjects.map(({ name }) => name);
  const chosen = new Set(short).size === short.length ? short : names;
  const seen = new Map<string, number>();
  return subjects.map((subject, s) => {
    const name = chosen[s]!;
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return { ...subject, name: times === 1 ? name : `${name} (${times})` };
  });
}

function tellLeftOut(leftOut: Readonly<Record<string, number>>, rows: number, onEvent: EventSink): void {
  const parts = Object.entries(leftOut).flatMap(([name, count]) => (count > 0 ? [`${count} of ${name}`] : []));
  if (parts.length === 0) return;
  const message = `compared on the ${rows} rows that all have, with a known label; left out: ${parts.join(", ")}`;
  onEvent({ kind: "note", level: "warning", message });
}

type Rows = readonly (readonly SubjectRow[])[];

/** By label and length, where they are known and differ. */
function ownSlicings(rows: Rows, targets: readonly Answer[]): Slicing[] {
  const lengths = rows.map((row) => row.find(({ characters }) => characters !== undefined)?.characters);
  return [
    ...(targets.length > 0 ? [byLabel(targets)] : []),
    ...(lengths.every((length) => length !== undefined) ? [byLength(lengths)] : []),
  ].filter(({ members }) => members.some((slice) => slice !== members[0]));
}

/** A field of each row, whichever subject has it. @throws UserError when no row has it */
function fieldOf(rows: Rows, field: string): (string | undefined)[] {
  const values = rows.map((row) => row.find(({ fields }) => Object.hasOwn(fields, field))?.fields[field]);
  if (values.some((value) => value !== undefined)) return values;
  throw new UserError({
    code: "compare/no-field",
    message: `no row has a field "${field}" that is text, a number or a truth value`,
    fix: "name a field of the data file (--data), or of the prediction files",
  });
}

/** Rows without the field are a group by themselves. */
function keysOf(rows: Rows, field: string): string[] {
  return fieldOf(rows, field).map((value, row) => (value === undefined ? `row ${row}` : `value ${value}`));
}

function disagreementsOf(rows: Rows, targets: readonly Answer[], subjects: readonly SubjectRows[]): Disagreement[] {
  const written = (answer: Answer | undefined): string =>
    JSON.stringify(typeof answer === "object" ? answer.toSorted() : answer);
  const found = rows.flatMap((row, i) => {
    const own = row.slice(0, subjects.length);
    const answers = own.map(({ answer }) => answer);
    if (new Set(answers.map(written)).size === 1) return [];
    const target = targets[i] ?? own[0]!.target;
    const worth = own.map(({ answer, scores }) =>
      scores ? JSON.stringify(scores) : written(answer) === written(target),
    );
    const { where, row: number } = own[0]!;
    const text = row.find((one) => one.text !== undefined)?.text;
    const named = Object.fromEntries(answers.map((answer, s) => [subjects[s]!.name, answer]));
    return [{ decides: new Set(worth).size > 1, row: { where, row: number, target, answers: named, text } }];
  });
  return found.toSorted((a, b) => Number(b.decides) - Number(a.decides)).map(({ row }) => row);
}
