/** Matched rows as a table of answers by number. */
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import { suggestName } from "../../../base/names.ts";
import type { AnswerTable, MetricName } from "../../../tune/evaluate/compare/answer-table.ts";
import type { Answer, SubjectRow, SubjectRows } from "./subject-rows.ts";

/** Of a table: 2^26 probabilities are half a gigabyte. */
const MAX_PROBABILITIES = 2 ** 26;

/** What decides between written answers. */
const DEFAULT_TEXT_METRIC: MetricName = "token_f1";

/**
 * @param rows [rows][subjects]
 * @param targets [rows] what is true of each; not asked for where answers are scores
 * @param metric what decides between answers that are scored
 * @throws UserError when some subjects give labels and others scores
 */
export function answersOfRows(
  subjects: readonly SubjectRows[],
  rows: readonly (readonly SubjectRow[])[],
  targets: readonly Answer[],
  metric: string | undefined,
  onEvent: EventSink,
): AnswerTable {
  const kinds = new Set(
    rows.flatMap((row) => row.slice(0, subjects.length).map(({ scores }) => Object.keys(scores ?? {}).join(" "))),
  );
  if (kinds.size > 1) {
    throw new UserError({
      code: "compare/kinds",
      message: "some give labels, some texts or scores: there is nothing to hold them against each other by",
      where: subjects.map(({ name }) => name).join(", "),
      fix: "compare labels with labels, texts with texts, or scores with scores",
    });
  }
  const column = (s: number): Answer[] => rows.map((row) => row[s]!.answer);
  const scored = Object.keys(rows[0]![0]!.scores ?? {}) as MetricName[];
  if (scored.length > 0) return scoreTable(subjects, rows, inOrder(scored, metric));
  if (metric !== undefined) {
    throw new UserError({
      code: "compare/no-metric",
      message: "labels are compared by accuracy; a metric decides between written answers alone",
      where: "--metric",
      fix: "leave it out",
    });
  }
  const everyAnswer = [targets, ...subjects.map((_, s) => column(s))];
  const several = everyAnswer.some((answers) => answers.some((answer) => typeof answer === "object"));
  const labels = new LabelNames(subjects.flatMap((subject) => subject.labels));
  for (const answers of everyAnswer) for (const answer of answers) for (const name of namesOf(answer)) labels.add(name);
  const width = labels.names.length;
  const probable = canHold(subjects, rows, width, onEvent);
  const probabilitiesOf = (s: number) => (probable ? probabilityTable(subjects[s]!, rows, s, labels) : undefined);
  if (!several) {
    const indices = (answers: readonly Answer[]) => Int32Array.from(answers, (answer) => labels.add(answer as string));
    return {
      kind: "label",
      labels: labels.names,
      targets: indices(targets),
      subjects: subjects.map(({ name }, s) => ({
        name,
        answers: indices(column(s)),
        probabilities: probabilitiesOf(s),
      })),
    };
  }
  const members = (answers: readonly Answer[]): Uint8Array => {
    const table = new Uint8Array(answers.length * width);
    for (const [row, answer] of answers.entries()) {
      for (const name of namesOf(answer)) table[row * width + labels.add(name)] = 1;
    }
    return table;
  };
  return {
    kind: "labels",
    labels: labels.names,
    targets: members(targets),
    subjects: subjects.map(({ name }, s) => ({
      name,
      answers: members(column(s)),
      probabilities: probabilitiesOf(s),
    })),
  };
}

/** The deciding metric first. @throws UserError where there is no such one */
function inOrder(names: readonly MetricName[], metric: string | undefined): MetricName[] {
  const wanted = metric ?? names.find((name) => name === DEFAULT_TEXT_METRIC) ?? names[0]!;
  if (!names.some((name) => name === wanted)) {
    throw new UserError({
      code: "compare/no-metric",
      message: `the answers are not judged by "${wanted}"`,
      where: "--metric",
      fix: suggestName(wanted, names),
    });
  }
  return [wanted as MetricName, ...names.filter((name) => name !== wanted)];
}

function scoreTable(
  subjects: readonly SubjectRows[],
  rows: readonly (readonly SubjectRow[])[],
  names: readonly MetricName[],
): AnswerTable {
  const values = (s: number, name: MetricName): Float64Array =>
    Float64Array.from(rows, (row) => row[s]!.scores![name]!);
  return {
    kind: "score",
    subjects: subjects.map(({ name: subject }, s) => ({
      name: subject,
      scores: new Map(names.map((name) => [name, values(s, name)])),
    })),
  };
}

/** Names in the order in which they come first, by number. */
class LabelNames {
  readonly #indices = new Map<string, number>();

  constructor(names: readonly string[]) {
    for (const name of names) this.add(name);
  }

  /** Its number, a new one where it is new. */
  add(name: string): number {
    const index = this.#indices.get(name) ?? this.#indices.size;
    this.#indices.set(name, index);
    return index;
  }

  get names(): readonly string[] {
    return [...this.#indices.keys()];
  }
}

function namesOf(answer: Answer): readonly string[] {
  return typeof answer === "object" ? answer : [answer];
}

/** Whether every row of every subject has probabilities, and they fit; told where not. */
function canHold(
  subjects: readonly SubjectRows[],
  rows: readonly (readonly SubjectRow[])[],
  labels: number,
  onEvent: EventSink,
): boolean {
  const without = subjects.filter((_, s) => rows.some((row) => row[s]!.probabilities === undefined));
  const reason =
    without.length > 0
      ? `${without.map(({ name }) => name).join(", ")} ${without.length === 1 ? "gives" : "give"} no probabilities`
      : rows.length * labels * subjects.length > MAX_PROBABILITIES
        ? "there are more probabilities than are held"
        : undefined;
  if (reason === undefined) return true;
  onEvent({ kind: "note", level: "info", message: `without ROC AUC and log loss: ${reason}` });
  return false;
}

/** [rows, labels]; labels that a subject does not know have none. */
function probabilityTable(
  { labels: own }: SubjectRows,
  rows: readonly (readonly SubjectRow[])[],
  s: number,
  labels: LabelNames,
): Float64Array {
  const width = labels.names.length;
  const places = own.map((name) => labels.add(name));
  const table = new Float64Array(rows.length * width);
  for (const [row, answers] of rows.entries()) {
    for (const [c, probability] of answers[s]!.probabilities!.entries()) table[row * width + places[c]!] = probability;
  }
  return table;
}
