import { UserError } from "../../../base/errors.ts";
import { suggestName } from "../../../base/names.ts";
import { Problems } from "../problems.ts";
import { textNames } from "../shape.ts";
import type { Source } from "../source.ts";
import { type Agreement, AgreementCounter } from "./agreement.ts";
import type { ControlAnswer } from "./control-answer.ts";
import { answersTo, countedAnswers, decide, isUnanimous } from "./decide.ts";
import { type ExportKind, type LabelledTask, readTasks } from "./labelled-task.ts";

/** What an export holds, from one pass over it. */
export interface ExportSurvey {
  readonly tasks: number;
  /** Tasks that somebody answered. */
  readonly labelled: number;
  /** `from_name` of the labels. */
  readonly control: string;
  readonly kind: ControlAnswer["kind"];
  /** Other controls that could hold labels. */
  readonly others: readonly string[];
  /** Whether any answer has several labels. */
  readonly several: boolean;
  /** The data's field with the text; undefined where a field has one of the usual names already. */
  readonly textField: string | undefined;
  /** Undefined where no task was answered twice. */
  readonly agreement: Agreement | undefined;
  /** Tasks whose answers that count differ. */
  readonly differing: number;
  readonly firstDiffering: string | undefined;
  /** Of these, tasks that a majority cannot decide. */
  readonly ties: number;
  /** Whether tasks have a field that the label takes the place of. */
  readonly shadows: boolean;
}

interface Counts {
  readonly kind: ControlAnswer["kind"];
  tasks: number;
  several: boolean;
  toName: string | undefined;
}

/** More names than this are no controls, and no fields. */
const MAX_NAMES = 1000;

/**
 * @param wanted name of the control; null: the one that is answered in most tasks
 * @throws UserError when nothing is labelled, or there is no such control
 */
export async function surveyExport(source: Source, kind: ExportKind, wanted: string | null): Promise<ExportSurvey> {
  const controls = new Map<string, Counts>();
  const fields = new Map<string, number>();
  let tasks = 0;
  for await (const task of readTasks(source, kind, new Problems())) {
    tasks++;
    countControls(task, controls);
    for (const [name, value] of Object.entries(task.data)) {
      const size = typeof value === "string" ? value.length : 0;
      if (fields.has(name) || fields.size < MAX_NAMES) fields.set(name, (fields.get(name) ?? 0) + size);
    }
  }
  const control = chosenControl(controls, wanted, source.name);
  const counts = controls.get(control)!;
  return {
    tasks,
    control,
    kind: counts.kind,
    others: [...controls.keys()].filter((name) => name !== control),
    several: counts.several,
    textField: textFieldOf(fields, counts.toName),
    shadows: fields.has(counts.several ? "labels" : "label"),
    ...(await surveyAnswers(source, kind, control, counts.several)),
  };
}

async function surveyAnswers(
  source: Source,
  kind: ExportKind,
  control: string,
  several: boolean,
): Promise<Pick<ExportSurvey, "labelled" | "agreement" | "differing" | "firstDiffering" | "ties">> {
  const agreement = new AgreementCounter();
  let labelled = 0;
  let differing = 0;
  let ties = 0;
  let firstDiffering: string | undefined;
  for await (const task of readTasks(source, kind, new Problems())) {
    const given = answersTo(task, control);
    if (typeof given === "string") continue;
    labelled++;
    agreement.add(given.map(({ annotator, labels }) => [annotator, JSON.stringify(labels)]));
    const counted = countedAnswers(given);
    if (isUnanimous(counted)) continue;
    differing++;
    firstDiffering ??= `${source.name}:${task.line} (${counted.map(({ labels }) => labels.join(", ")).join("; ")})`;
    if (decide(counted, "majority", several) === undefined) ties++;
  }
  return { labelled, agreement: agreement.result(), differing, firstDiffering, ties };
}

function countControls({ annotations }: LabelledTask, controls: Map<string, Counts>): void {
  const seen = new Set<string>();
  for (const { answers, cancelled } of annotations) {
    if (cancelled) continue;
    for (const [name, { kind, toName, labels }] of answers) {
      const counts = controls.get(name) ?? { kind, tasks: 0, several: false, toName };
      if (!controls.has(name) && controls.size >= MAX_NAMES) continue;
      controls.set(name, counts);
      counts.several ||= labels.length > 1;
      if (!seen.has(name)) counts.tasks++;
      seen.add(name);
    }
  }
}

function chosenControl(controls: ReadonlyMap<string, Counts>, wanted: string | null, where: string): string {
  const names = [...controls.keys()];
  if (names.length === 0) {
    throw new UserError({
      code: "label-studio/unlabelled",
      message: "no task of the export has an answer in a control of choices, a taxonomy or a rating",
      where,
      fix: "label tasks first, or read it as data.format: json",
    });
  }
  if (wanted === null) return names.reduce((a, b) => (controls.get(b)!.tasks > controls.get(a)!.tasks ? b : a));
  if (controls.has(wanted)) return wanted;
  throw new UserError({
    code: "label-studio/control",
    message: `no task has an answer in a control named ${wanted}`,
    where,
    fix: suggestName(wanted, names),
  });
}

/** What the control is about, where its name is that of a field; otherwise the field with the most text. */
function textFieldOf(fields: ReadonlyMap<string, number>, toName: string | undefined): string | undefined {
  if (textNames.some((name) => fields.has(name))) return undefined;
  if (toName !== undefined && (fields.get(toName) ?? 0) > 0) return toName;
  const longest = [...fields].toSorted(([, a], [, b]) => b - a)[0];
  return longest === undefined || longest[1] === 0 ? undefined : longest[0];
}
