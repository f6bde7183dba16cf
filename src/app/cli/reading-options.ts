/** What every command that reads data files by itself takes. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type DataFormat, dataFormats } from "../../base/recipe/data-format.ts";
import { data, template } from "../../base/recipe/data-schema.ts";
import { loadRecipe } from "../../base/recipe/load.ts";
import type { DataOptions } from "../../base/recipe/recipe.ts";
import type { Reading } from "../api/load-model.ts";

/** How a file is written and what it calls its fields, where that is not found out or in a recipe. */
export interface ReadingFlags {
  readonly format: "auto" | DataFormat;
  readonly column: DataOptions["columns"];
}

/** Adds `--format` and `--column`. */
export function addReadingOptions(command: Command): void {
  command
    .addOption(
      new Option("--format <format>", "how a data file is written").choices(["auto", ...dataFormats]).default("auto"),
    )
    .option("--column <field=column>", "what a data file calls a field, or its position, e.g. label=0", column, {});
}

/** How the command line, or the recipe it names, wants rows read. @throws UserErrors for a faulty recipe */
export function readingOf(command: Command): Reading {
  const { format, column: columns, recipe: path } = command.opts<ReadingFlags & { readonly recipe?: string }>();
  const recipe = path === undefined ? undefined : loadRecipe(path, { purpose: "evaluate" }).recipe;
  const stated = recipe?.data ?? data.parse({});
  return {
    data: {
      ...stated,
      format: format === "auto" ? stated.format : format,
      columns: { ...stated.columns, ...columns },
    },
    template: recipe?.template ?? template.parse({}),
    ...(recipe && { multiLabel: recipe.problem_type === "multi_label_classification" }),
  };
}

function column(value: string, before: DataOptions["columns"]): DataOptions["columns"] {
  const match = /^([^=]+)=(.+)$/.exec(value);
  if (match === null) throw new InvalidArgumentError("Write it like label=category, or label=0.");
  return { ...before, [match[1]!]: /^\d+$/.test(match[2]!) ? Number(match[2]) : match[2]! };
}
