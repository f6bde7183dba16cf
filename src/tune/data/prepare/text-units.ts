import type { Dataset } from "../dataset.ts";
import type { Row } from "../example.ts";
import { fillTextTemplate } from "../placeholders.ts";
import { YES } from "../questions.ts";
import { askedField, type Shape } from "../shape.ts";

/**
 * A set seen as texts with answers, which is what copies, leaks and shares are about: questions about the same text are
 * one unit, and what all rows have in common (the template's own words, system messages) does not count.
 */
export class TextUnits {
  readonly dataset: Dataset;

  constructor(dataset: Dataset) {
    this.dataset = dataset;
  }

  get length(): number {
    return this.dataset.length / this.dataset.together;
  }

  row(unit: number): Row {
    return this.dataset.row(unit * this.dataset.together);
  }

  /** Where a unit stood in the set that was read. */
  position(unit: number): number {
    return this.dataset.position(unit * this.dataset.together) / this.dataset.together;
  }

  where(unit: number): string {
    return this.dataset.where(unit * this.dataset.together);
  }

  /** What is asked: the values of the prompt's fields, or the messages before the answer. */
  text(unit: number): string {
    return askedText(this.row(unit), this.dataset.shape);
  }

  /** Indices of a unit's labels, ascending; none for a unit without. */
  labels(unit: number): readonly number[] {
    const { dataset } = this;
    const { together } = dataset;
    if (dataset.asked === undefined) {
      const label = dataset.label(unit);
      return label === undefined ? (dataset.row(unit).labels ?? []) : [label];
    }
    const labels: number[] = [];
    for (let asked = 0; asked < together; asked++) {
      if (dataset.label(unit * together + asked) === YES) labels.push(asked);
    }
    return labels;
  }

  get labelNames(): readonly string[] | undefined {
    return (this.dataset.asked ?? this.dataset.labels)?.names;
  }

  /** What is to be answered, as a text to compare and to show. */
  answer(unit: number): string {
    const names = this.labelNames;
    if (names === undefined) return answerText(this.row(unit), this.dataset.shape);
    return this.labels(unit)
      .map((label) => names[label])
      .join(", ");
  }

  /** Some of the units, in any order, also repeated. */
  subset(name: string, units: ArrayLike<number>, part: "rest" | "piece"): Dataset {
    const { together } = this.dataset;
    const indices = new Uint32Array(units.length * together);
    for (let i = 0; i < indices.length; i++) indices[i] = units[Math.floor(i / together)]! * together + (i % together);
    return this.dataset.subset(name, indices, part);
  }
}

/** The same text however its white space and its accented letters are written. */
export function normalisedText(text: string): string {
  return isNormalised(text) ? text : text.normalize("NFC").replace(/\s+/gu, " ").trim();
}

/** Most texts are; looking is several times faster than making another. */
function isNormalised(text: string): boolean {
  let before = 32;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 32 || code > 126 || (code === 32 && before === 32)) return false;
    before = code;
  }
  return before !== 32;
}

function askedText(row: Row, shape: Shape): string {
  if (shape.kind === "messages") {
    const messages = row.messages!;
    const end = messages.at(-1)!.role === "assistant" ? -1 : undefined;
    return messages
      .slice(0, end)
      .flatMap(({ role, content }) => (role === "system" ? [] : [content]))
      .join("\n");
  }
  return Object.keys(row.values)
    .filter((field) => field !== askedField && isAsked(field, shape))
    .map((field) => row.values[field])
    .join("\n");
}

/** A field that is in the answer alone tells nothing of what is asked. */
function isAsked(field: string, shape: Shape): boolean {
  if (shape.kind !== "template") return true;
  const asked = [shape.user, shape.system].some((template) => template?.fields.includes(field));
  return asked || !shape.assistant.fields.includes(field);
}

function answerText(row: Row, shape: Shape): string {
  if (shape.kind === "messages") return row.messages!.at(-1)!.content;
  return shape.kind === "text" ? "" : fillTextTemplate(shape.assistant, (field) => row.values[field] ?? "");
}
