import type { DataOptions } from "../../base/recipe/recipe.ts";
import { fieldOf, textOf, textsOf } from "./keep-row.ts";
import { Labels } from "./labels.ts";
import type { RawRow } from "./row.ts";
import type { Shape } from "./shape.ts";

/** The labels of one row as its file writes them, for reading rows whose labels nobody declares. */
export function ownLabels(
  raw: RawRow,
  { labelField }: Shape,
  columns: DataOptions["columns"],
  multiLabel: boolean,
): Labels | undefined {
  if (labelField === undefined) return undefined;
  const value = fieldOf(raw, labelField, columns);
  const texts = multiLabel ? (textsOf(value) ?? []) : [textOf(value)?.trim() ?? ""];
  return Labels.declared([...new Set(texts.filter((text) => text !== ""))]);
}
