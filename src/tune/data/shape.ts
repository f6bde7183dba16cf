import { UserError } from "../../base/errors.ts";
import { nearestName } from "../../base/names.ts";
import type { DataOptions, TemplateOptions } from "../../base/recipe/recipe.ts";
import { parseTextTemplate, type TextTemplate } from "./placeholders.ts";
import { describeMapping } from "./shape-mapping.ts";
import type { DataTask } from "./task.ts";
import { type Tidying, tidyingOf } from "./white-space.ts";

/** How the rows of a set become examples. */
export type Shape = MessagesShape | TemplateShape | PlainTextShape;

interface ShapeBase {
  /** Why this shape was taken, for the run's log. */
  readonly reason: string;
  /** Field with the class, when the task is a classification. */
  readonly labelField: string | undefined;
  /** A class head answers: examples end where an answer would begin. */
  readonly forHead: boolean;
  /** What is done about white space in the rows' texts. */
  readonly tidying?: Tidying | undefined;
}

/** The row holds the conversation: one list of messages, or prompt and completion as two lists. */
export interface MessagesShape extends ShapeBase {
  readonly kind: "messages";
  readonly fields: readonly string[];
  readonly system: string | undefined;
  /** How a label reads as an answer; finds the label of a conversation when labels are declared. */
  readonly answer: TextTemplate;
}

/** Fields of the row are put into texts of the recipe, or of the row's well-known shape. */
export interface TemplateShape extends ShapeBase {
  readonly kind: "template";
  readonly system: TextTemplate | undefined;
  readonly user: TextTemplate;
  /** Taken in place of `user` for rows where `optionalField` is absent or blank. */
  readonly userWithout: TextTemplate | undefined;
  readonly optionalField: string | undefined;
  readonly assistant: TextTemplate;
}

/** Text without turns. */
export interface PlainTextShape extends ShapeBase {
  readonly kind: "text";
  readonly text: TextTemplate;
}

/** Fields that hold a text to classify. */
export const textNames = ["text", "sentence", "content", "document", "code"] as const;
const labelNames = ["label", "category", "class", "target"] as const;
/** Fields that hold the labels of rows with several. */
export const labelListNames: readonly string[] = ["labels", "categories", "tags", ...labelNames];
const outputNames = ["output", "response"] as const;
/** Fields that hold what is asked, and the text to classify where there is no other. */
const promptNames = ["instruction", "question", "prompt"] as const;

export interface ShapeHints {
  /** Names that the first rows have, after `columns` was applied. */
  readonly fields: ReadonlySet<string>;
  /** Those of them under which the rows hold a list. */
  readonly lists: ReadonlySet<string>;
  readonly template: TemplateOptions;
  readonly columns: DataOptions["columns"];
  readonly task: DataTask;
  /** Rows without label are wanted too: there is a label to predict even where none is given. */
  readonly labelExpected: boolean;
  /** Labels are declared, so that a field that holds one is meant. */
  readonly labelsKnown?: boolean;
  /** The file, for errors. */
  readonly where: string;
}

/** A shape without what is the same for all shapes of a task. */
type Bare<Kind extends Shape> = Omit<Kind, "forHead" | "tidying">;

/**
 * Choose the shape of a set: what the recipe's template says, else the first well-known shape whose fields are there.
 * @throws UserError when no shape fits, or when the template asks for fields that are not there
 */
export function detectShape(hints: ShapeHints): Shape {
  const found = findShape(hints);
  const reason = `${found.reason}: ${describeMapping(found, hints.columns)}${unusedLabel(found, hints)}`;
  const shape = { ...found, reason, forHead: hints.task.classHead } as Shape;
  const fields = shape.kind === "messages" ? undefined : documentFields(shape);
  return { ...shape, tidying: tidyingOf(hints.template, fields, hints.where) };
}

/** Fields of the text or the user's message that may be cut: not the label, nor any other that the answer quotes. */
export function documentFields(shape: TemplateShape | PlainTextShape): readonly string[] {
  if (shape.kind === "text") return shape.text.fields;
  return shape.user.fields.filter((field) => field !== "label" && !shape.assistant.fields.includes(field));
}

function findShape(hints: ShapeHints): Bare<MessagesShape> | Bare<TemplateShape> | Bare<PlainTextShape> {
  const { fields, lists, template, columns, task, where } = hints;
  const first = (names: readonly string[]): string | undefined => names.find((name) => fields.has(name));
  const namesOfLabel = task.multiLabel ? labelListNames : labelNames;
  const labelField =
    first("label" in columns ? ["label"] : namesOfLabel) ?? (hints.labelExpected ? "label" : undefined);
  if (task.multiLabel && labelField === undefined) throw noLabels(fields, where);
  const known = new Set([...fields, ...(labelField === undefined ? [] : ["label"])]);
  const parse = (text: string): TextTemplate => parseTextTemplate(text, known);

  const filled = (user: string, answer: string, reason: string): Bare<TemplateShape> => {
    const assistant = parse(template.assistant ?? answer);
    return {
      kind: "template",
      reason,
      system: template.system === null ? undefined : parse(template.system),
      user: parse(user),
      userWithout: undefined,
      optionalField: undefined,
      assistant,
      labelField: assistant.fields.includes("label") ? labelField : undefined,
    };
  };

  if (task.classHead && template.user === null) {
    const field = first("text" in columns ? ["text"] : [...textNames, ...promptNames]);
    const written = template.text ?? (field && `{${field}}`);
    if (written !== undefined) {
      if (labelField === undefined) throw noLabels(fields, where);
      const text = requireFields(parse(written), written, "template.text", known, where);
      return { kind: "text", text, labelField, reason: `a class head over ${template.text ? "template.text" : field}` };
    }
  }
  if (template.text !== null) {
    const text = requireFields(parse(template.text), template.text, "template.text", known, where);
    return { kind: "text", text, labelField: undefined, reason: "template.text" };
  }
  if (template.user !== null) {
    const answer = labelField === undefined ? first(["completion", ...outputNames]) : "label";
    if (task.classHead && labelField === undefined) throw noLabels(fields, where);
    if (answer === undefined && template.assistant === null) {
      throw new UserError({
        code: "data/no-answer",
        message: `no field holds the answer; the rows have ${listed(fields)}`,
        where,
        fix: "write template.assistant, or name the label's column: data.columns: {label: …}",
      });
    }
    const shape = filled(template.user, `{${answer}}`, "template.user");
    requireFields(shape.user, template.user, "template.user", known, where);
    if (task.multiLabel && !task.classHead) return { ...shape, user: asking(shape.user) };
    return shape;
  }

  const list = ["messages", "conversations"].find((name) => lists.has(name));
  const both = fields.has("prompt") && fields.has("completion");
  if (list !== undefined || (both && lists.has("prompt"))) {
    const names = list === undefined ? ["prompt", "completion"] : [list];
    const answer = parseTextTemplate(template.assistant ?? "{label}", new Set(["label"]));
    const system = template.system ?? undefined;
    return {
      kind: "messages",
      fields: names,
      system,
      answer,
      labelField: task.classHead ? labelField : undefined,
      reason: `rows have ${names.join(" and ")}`,
    };
  }
  if (both) return filled("{prompt}", "{completion}", "rows have prompt and completion");
  const output = first(outputNames);
  if (fields.has("instruction") && output !== undefined) {
    const isLabelled = hints.labelsKnown === true && labelField !== undefined;
    const shape = isLabelled
      ? filled("{instruction}", "{label}", `rows have instruction and ${labelField}, and labels are declared`)
      : filled("{instruction}", `{${output}}`, `rows have instruction and ${output}`);
    if (!fields.has("input")) return shape;
    return { ...shape, user: parse("{instruction}\n\n{input}"), userWithout: shape.user, optionalField: "input" };
  }
  if (fields.has("question") && fields.has("answer")) {
    const shape = filled("{question}", "{answer}", "rows have question and answer");
    if (!fields.has("context")) return shape;
    return { ...shape, user: parse("{context}\n\n{question}"), userWithout: shape.user, optionalField: "context" };
  }
  const text = first("text" in columns ? ["text"] : textNames);
  if (text !== undefined && labelField !== undefined) {
    return filled(`{${text}}`, "{label}", `rows have ${text} and ${labelField}`);
  }
  if (text !== undefined) {
    const reason = `rows have ${text} and nothing to answer: plain text`;
    return { kind: "text", text: parse(`{${text}}`), labelField: undefined, reason };
  }
  throw new UserError({
    code: "data/unknown-shape",
    message: `the rows have ${listed(fields)}, which is no known shape`,
    where,
    fix:
      "map columns (data.columns: {text: …, label: …}) or write template.user; known are messages, conversations, " +
      "prompt + completion, instruction + output, question + answer, text + label, and text",
  });
}

/** What to tell where a field that may hold a label is not used. */
function unusedLabel(shape: ReturnType<typeof findShape>, { fields, columns }: ShapeHints): string {
  if (shape.kind !== "template" || shape.labelField !== undefined || !fields.has("instruction")) return "";
  const name = labelNames.find((label) => fields.has(label));
  if (name === undefined || "label" in columns) return "";
  return `; ${name} is not used, unless data.labels declares its labels`;
}

/** Field of the user's message that holds the label asked about, where each label of a row is a question of its own. */
export const askedField = "asked label";

/** In a question about a label, {label} is what is asked about, not the answer. */
function asking({ parts, fields, unknown }: TextTemplate): TextTemplate {
  const named = (name: string): string => (name === "label" ? askedField : name);
  return { parts: parts.map((part, i) => (i % 2 === 1 ? named(part) : part)), fields: fields.map(named), unknown };
}

function noLabels(fields: ReadonlySet<string>, where: string): UserError {
  return new UserError({
    code: "data/no-label-field",
    message: `no field holds the label; the rows have ${listed(fields)}`,
    where,
    fix: "name it: data.columns: {label: …}",
  });
}

/** A template without any field would make all rows the same, and a name close to a field's is a slip. */
function requireFields(
  template: TextTemplate,
  text: string,
  option: string,
  known: ReadonlySet<string>,
  where: string,
): TextTemplate {
  const slip = template.unknown.find((name) => nearestName(name, [...known]) !== undefined);
  if (slip === undefined && template.fields.length > 0) return template;
  throw new UserError({
    code: "data/template-fields",
    message:
      slip === undefined
        ? `${option} has no {field} of the rows, so that every row would read ${JSON.stringify(text.slice(0, 60))}`
        : `${option} asks for {${slip}}, which the rows do not have; did you mean {${nearestName(slip, [...known])}}?`,
    where,
    fix: `the rows have ${listed(known)}`,
  });
}

function listed(names: Iterable<string>): string {
  const all = [...names];
  return all.length === 0 ? "no fields" : all.slice(0, 12).join(", ") + (all.length > 12 ? `, … (${all.length})` : "");
}
