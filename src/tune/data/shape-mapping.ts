import type { DataOptions } from "../../base/recipe/recipe.ts";
import type { TextTemplate } from "./placeholders.ts";

/** What of a shape says where its texts come from. */
type ShapeFields = { readonly labelField: string | undefined } & (
  | { readonly kind: "messages"; readonly fields: readonly string[] }
  | { readonly kind: "template"; readonly user: TextTemplate; readonly assistant: TextTemplate }
  | { readonly kind: "text"; readonly text: TextTemplate }
);

/** Which columns become what, in words: `text <- code, label <- target`. */
export function describeMapping(shape: ShapeFields, columns: DataOptions["columns"]): string {
  const source = (name: string): string => String(Object.hasOwn(columns, name) ? columns[name] : name);
  const label = shape.labelField === undefined ? [] : [`label <- ${source(shape.labelField)}`];
  const from = (template: TextTemplate): string =>
    template.fields
      .filter((name) => name !== "label" || shape.labelField === undefined)
      .map(source)
      .join(" + ");
  if (shape.kind === "messages") return [`messages <- ${shape.fields.map(source).join(" + ")}`, ...label].join(", ");
  if (shape.kind === "text") return [`text <- ${from(shape.text)}`, ...label].join(", ");
  const answer = from(shape.assistant);
  const parts = [
    `${label.length > 0 ? "text" : "prompt"} <- ${from(shape.user)}`,
    ...(answer === "" ? [] : [`answer <- ${answer}`]),
    ...label,
  ];
  return parts.filter((part) => !part.endsWith("<- ")).join(", ");
}
