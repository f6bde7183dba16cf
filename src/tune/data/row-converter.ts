import type { DataOptions } from "../../base/recipe/recipe.ts";
import { exampleOf, type Row } from "./example.ts";
import { keepRow, shapeFields } from "./keep-row.ts";
import type { Labels } from "./labels.ts";
import { ownLabels } from "./own-labels.ts";
import type { Problems } from "./problems.ts";
import type { RawRow } from "./row.ts";
import type { Shape } from "./shape.ts";
import { type Fields, needsLists, type SourceRow, type TargetShape, writeAs } from "./target-shape.ts";
import type { DataTask } from "./task.ts";

export interface ConverterOptions {
  readonly shape: Shape;
  readonly columns: DataOptions["columns"];
  /** Names of what files say, where a recipe declares them; otherwise labels stay as they are. */
  readonly labels: Labels | undefined;
  readonly task: DataTask;
  readonly target: TargetShape;
  /** Fields of the file that are left out. */
  readonly drop: ReadonlySet<string>;
}

/** Rows of one file in another shape; fields that the shape does not read are carried along under their names. */
export class RowConverter {
  readonly #options: ConverterOptions;
  /** The file's names of the fields that the shape reads. */
  readonly #read: ReadonlySet<string>;

  constructor(options: ConverterOptions) {
    this.#options = options;
    const { shape, columns } = options;
    const own = shape.kind === "messages" ? [...shape.fields, "tools"] : shapeFields(shape);
    const names = shape.labelField === undefined ? own : [...own, shape.labelField];
    this.#read = new Set(names.map((name) => (Object.hasOwn(columns, name) ? String(columns[name]) : name)));
  }

  /**
   * @param prompts how prompt and completion are written; `fitting`: as texts where the row allows it
   * @param unfit rows that the shape cannot hold whole
   * @returns undefined for one of these; and whether its prompt is a list
   */
  convert(
    raw: RawRow,
    path: string,
    prompts: "texts" | "lists" | "fitting",
    unfit: Problems,
  ): { readonly fields: Fields; readonly lists: boolean } | undefined {
    const { target, drop } = this.#options;
    const where = `${path}:${raw.line}`;
    const source = this.#sourceOf(raw, path, unfit);
    if (source === undefined) return undefined;
    const lists = prompts === "lists" || (prompts === "fitting" && needsLists(source));
    const written = writeAs(target, source, lists ? "lists" : "texts");
    if (typeof written === "string") {
      unfit.skip(where, written);
      return undefined;
    }
    const others = Object.entries(raw.fields).filter(([name]) => !this.#read.has(name) && !drop.has(name));
    const clash = others.find(([name]) => Object.hasOwn(written, name));
    if (clash !== undefined) {
      unfit.skip(where, "a field that is in the way of one of the new shape", clash[0]);
      return undefined;
    }
    return { fields: { ...written, ...Object.fromEntries(others) }, lists };
  }

  #sourceOf(raw: RawRow, path: string, unfit: Problems): SourceRow | undefined {
    const { shape, columns, task } = this.#options;
    const labels = this.#options.labels ?? ownLabels(raw, shape, columns, task.multiLabel);
    const row = keepRow(raw, path, { shape, columns, labels, task, answerOptional: true }, unfit);
    if (row === undefined) return undefined;
    const names = labels?.names ?? [];
    const example = exampleOf(row, shape, names);
    const several = task.multiLabel ? { labels: row.labels?.map((index) => names[index]!) } : {};
    if (example.kind === "text") return { text: example.text, ...several };
    return { messages: example.messages, tools: example.tools, instruction: instructionOf(row, shape), ...several };
  }
}

/** Of rows that have instruction and input, read as such. */
function instructionOf({ values }: Row, shape: Shape): SourceRow["instruction"] {
  if (shape.kind !== "template" || shape.optionalField !== "input") return undefined;
  return { instruction: values.instruction ?? "", input: values.input ?? "" };
}
