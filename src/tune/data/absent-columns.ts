import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { DataOptions } from "../../base/recipe/recipe.ts";

/**
 * @param present names that the first rows have in the file
 * @param where the files
 * @throws UserError when a column that `data.columns` names is none of them
 */
export function refuseAbsentColumns(
  columns: DataOptions["columns"],
  present: ReadonlySet<string>,
  where: string,
): void {
  for (const [field, column] of Object.entries(columns)) {
    if (present.has(String(column))) continue;
    throw new UserError({
      code: "data/no-column",
      message: `${field} is to be the column ${JSON.stringify(String(column))}, which the rows do not have`,
      where,
      fix: `${suggestName(String(column), [...present])} (data.columns, or --column)`,
    });
  }
}
