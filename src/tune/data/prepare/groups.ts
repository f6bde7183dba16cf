/** Which rows belong together, by fields such as a repository or a commit. */
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import { suggestName } from "../../../base/names.ts";
import type { DataOptions } from "../../../base/recipe/recipe.ts";
import { openDataFiles, readDataFiles } from "../data-files.ts";
import type { Row } from "../example.ts";
import { fieldOf, textOf } from "../keep-row.ts";
import { Problems } from "../problems.ts";
import type { RawRow } from "../row.ts";

/** Fields that name where a row is from; rows from one place are not independent. */
const knownNames: readonly string[] = [
  ...["repo", "repository", "repo_name", "project", "project_name"],
  ...["commit", "commit_id", "commit_sha", "commit_hash", "contract", "contract_address", "group", "group_id"],
];

/** Rows that fields are told from. */
const ROWS_LOOKED_AT = 1000;

/**
 * The fields that name groups: those asked for, or those of the rows with a known name, told through `onEvent`.
 * @param groupBy fields asked for, and the option's place for errors
 * @throws UserError when no row has a field that is asked for, or a file cannot be read
 */
export async function findGroupFields(
  paths: readonly string[],
  data: Pick<DataOptions, "format" | "header" | "columns">,
  { by: groupBy, where }: { readonly by: "auto" | readonly string[]; readonly where: string },
  onEvent: EventSink,
): Promise<readonly string[]> {
  if (groupBy.length === 0) return [];
  const { fields, counts } = await lookAt(paths, data);
  if (groupBy !== "auto") {
    const unknown = groupBy.find((field) => !fields.has(field));
    if (unknown === undefined) return groupBy;
    throw new UserError({
      code: "data/group-field",
      message: `the rows have no field ${JSON.stringify(unknown)} to group by`,
      where,
      fix: suggestName(unknown, [...fields]),
    });
  }
  const names = [...counts].filter(([, values]) => tellsApart(values)).map(([name]) => name);
  const reason = "their names say where rows are from; prepare.group_by decides otherwise";
  if (names.length > 0) onEvent({ kind: "choice", name: "prepare.group_by", value: names.join(", "), reason });
  return names;
}

/** The groups that a row is in, such as `repo=ORG/NAME`; none for a field that it does not have. */
export function groupKeys({ groups }: Row, fields: readonly string[]): readonly string[] {
  return fields.flatMap((field) => (groups?.[field] === undefined ? [] : [`${field}=${groups[field]}`]));
}

/** A field with the same value in most rows splits nothing: it is a class, or where the whole set is from. */
function tellsApart(values: ReadonlyMap<string, number>): boolean {
  const total = [...values.values()].reduce((sum, count) => sum + count, 0);
  return Math.max(...values.values()) <= total / 2;
}

interface Looked {
  readonly fields: ReadonlySet<string>;
  /** How often the first rows have each value of the fields with a known name. */
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

async function lookAt(
  paths: readonly string[],
  data: Pick<DataOptions, "format" | "header" | "columns">,
): Promise<Looked> {
  const fields = new Set<string>();
  const counts = new Map<string, Map<string, number>>();
  const look = (raw: RawRow): void => {
    for (const name of [...Object.keys(raw.fields), ...Object.keys(data.columns)]) fields.add(name);
    for (const name of fields) {
      if (!knownNames.includes(name.toLowerCase())) continue;
      const value = textOf(fieldOf(raw, name, data.columns))?.trim() ?? "";
      if (value === "") continue;
      const values = counts.get(name) ?? new Map<string, number>();
      counts.set(name, values.set(value, (values.get(value) ?? 0) + 1));
    }
  };
  let seen = 0;
  const files = await openDataFiles(paths, data, () => {}, "train");
  for await (const { raw } of readDataFiles(files, new Problems())) {
    look(raw);
    if (++seen === ROWS_LOOKED_AT) break;
  }
  return { fields, counts };
}
