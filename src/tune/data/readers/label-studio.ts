import { UserError } from "../../../base/errors.ts";
import type { DataOptions } from "../../../base/recipe/recipe.ts";
import { answersTo, countedAnswers, decide, divided } from "../label-studio/decide.ts";
import { type ExportKind, readTasks } from "../label-studio/labelled-task.ts";
import { type ExportSurvey, surveyExport } from "../label-studio/survey-export.ts";
import type { Problems } from "../problems.ts";
import type { FormatHints, Head, Reader, Recognised } from "../reader.ts";
import type { RawRow, RowReader } from "../row.ts";
import type { Source } from "../source.ts";

/**
 * What Label Studio exports as JSON or JSON-MIN: a row for each task, with the task's data as fields, and under `label`, or
 * `labels` where tasks have several, what people chose. Predictions are no labels.
 */
export const labelStudio: Reader = {
  formats: ["label-studio"],
  content: "text",
  async recognise({ source, text }: Head, hints: FormatHints): Promise<Recognised | undefined> {
    const kind = kindOf(text) ?? (hints.format === "label-studio" ? "json" : undefined);
    if (kind === undefined) return undefined;
    const survey = await surveyExport(source, kind, hints.control ?? null);
    const policy = hints.annotators ?? "majority";
    if (policy === "refuse" && survey.differing > 0) throw annotatorsDiffer(survey, source.name);
    return {
      format: "label-studio",
      reason: reasonOf(survey, kind, policy),
      read: (from, problems) => readLabelled(from, kind, survey, policy, problems),
    };
  },
};

async function* readLabelled(
  source: Source,
  kind: ExportKind,
  { control, several, textField }: ExportSurvey,
  policy: DataOptions["annotators"],
  problems: Problems,
): RowReader {
  for await (const task of readTasks(source, kind, problems)) {
    const { line, data } = task;
    const where = `${source.name}:${line}`;
    const given = answersTo(task, control);
    const labels = typeof given === "string" ? undefined : decide(countedAnswers(given), policy, several);
    if (labels === undefined) {
      const said = typeof given === "string" ? "" : given.map(({ labels }) => labels.join(", ")).join("; ");
      problems.skip(where, typeof given === "string" ? given : divided, said);
      continue;
    }
    const text = textField === undefined ? {} : { text: data[textField] };
    const row: RawRow = { line, fields: { ...data, ...text, ...(several ? { labels } : { label: labels[0] }) } };
    yield [row];
  }
}

/** By the names in the first element of a list. */
function kindOf(text: string): ExportKind | undefined {
  const start = text.trimStart();
  if (!start.startsWith("[")) return undefined;
  const { names, whole } = firstNames(start);
  const has = (...wanted: readonly string[]): boolean => wanted.every((name) => names.includes(name));
  if ((has("annotations") || has("completions")) && (has("data") || !whole)) return "json";
  return has("id", "annotator", "annotation_id") ? "json-min" : undefined;
}

/** Names of the first object's members, as far as the text goes. */
function firstNames(text: string): { readonly names: readonly string[]; readonly whole: boolean } {
  const names: string[] = [];
  let depth = 0;
  let last = "";
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (token === ":" && depth === 2) names.push(last);
    else last = token.slice(1, -1);
    if (depth < 2 && names.length > 0) return { names, whole: true };
  }
  return { names, whole: false };
}

function reasonOf(survey: ExportSurvey, kind: ExportKind, policy: DataOptions["annotators"]): string {
  const { tasks, labelled, control, others, several, textField, agreement, differing, ties, shadows } = survey;
  const which = others.length === 0 ? "" : `, of the controls ${[control, ...others].slice(0, 12).join(", ")}`;
  const parts = [
    `${kind === "json" ? "JSON" : "JSON-MIN"} of Label Studio, ${labelled} of ${tasks} tasks labelled`,
    `${several ? "labels" : "label"} from ${control} (${survey.kind})${which}`,
  ];
  if (textField !== undefined) parts.push(`text from ${textField}`);
  if (shadows) parts.push(`in place of the tasks' own field ${several ? "labels" : "label"}`);
  if (agreement !== undefined) {
    const { annotators, pairwise, kappa, alpha, tasks: twice } = agreement;
    const figures = [
      `${(100 * pairwise).toFixed(1)} % of pairs agree`,
      ...(kappa === null ? [] : [`Cohen's kappa ${kappa.toFixed(3)}`]),
      ...(alpha === null ? [] : [`Krippendorff's alpha ${alpha.toFixed(3)}`]),
    ];
    parts.push(`${annotators} annotators on ${twice} tasks: ${figures.join(", ")}`);
  }
  if (differing > 0) {
    const left = policy === "majority" ? `the majority counts, ${ties} ties are left out` : "the first answer counts";
    parts.push(`${differing} tasks with different answers: ${left}`);
  }
  return parts.join("; ");
}

function annotatorsDiffer({ differing, labelled, firstDiffering }: ExportSurvey, where: string): UserError {
  return new UserError({
    code: "label-studio/annotators-differ",
    message: `people differ on ${differing} of ${labelled} labelled tasks, first ${firstDiffering}`,
    where,
    fix: "settle them in Label Studio, or take data.annotators: majority or first",
  });
}
