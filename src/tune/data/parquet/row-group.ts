import type { RowGroup, SchemaTree } from "hyparquet";
import { assembleNested } from "hyparquet/src/assemble.js";
import { DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { getTreePath } from "hyparquet/src/schema.js";
import type { DecodedArray } from "hyparquet/src/types.js";
import { messageOf, UserError } from "../../../base/errors.ts";
import type { RandomAccess } from "../random-access.ts";
import { ColumnCursor } from "./column-cursor.ts";
import { brokenParquet, type Footer } from "./footer.ts";
import { parsers } from "./plain-value.ts";

/** Rows that are made at a time. */
const rowsAtOnce = 256;

/** Columns of some rows that follow each other, by name. */
export interface ColumnBatch {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, ArrayLike<unknown>>;
}

/**
 * A row group's columns, a few rows at a time.
 * @param where the file and row group, for errors
 * @throws UserError when it is damaged, or a column has fewer rows than the group
 */
export async function* readRowGroup(
  file: RandomAccess,
  { schema }: Footer,
  group: RowGroup,
  where: string,
): AsyncGenerator<ColumnBatch> {
  const cursors = new Map<string, ColumnCursor[]>();
  for (const { meta_data: column } of group.columns) {
    if (column === undefined) throw brokenParquet("a column is in another file, or encrypted", where);
    const name = column.path_in_schema[0]!;
    const path = schemaPathOf(schema, column.path_in_schema, where);
    cursors.set(name, [...(cursors.get(name) ?? []), new ColumnCursor(file, column, path, where)]);
  }
  const all = [...cursors.values()].flat();
  const total = Number(group.num_rows);
  for (let done = 0; done < total; ) {
    let rows = Math.min(rowsAtOnce, total - done);
    for (const cursor of all) {
      rows = Math.min(rows, await cursor.available());
      if (rows > 0) continue;
      throw brokenParquet(`${cursor.path} ends after ${done} of the ${total} rows that there should be`, where);
    }
    const columns = new Map<string, ArrayLike<unknown>>();
    for (const child of schema.children) {
      const parts = cursors.get(child.element.name);
      if (parts !== undefined) columns.set(child.element.name, columnOf(child, parts, rows, where));
    }
    yield { rows, columns };
    done += rows;
  }
}

function schemaPathOf(schema: SchemaTree, path: string[], where: string): SchemaTree[] {
  try {
    return getTreePath(schema, path);
  } catch (error) {
    throw brokenParquet(messageOf(error), where, error);
  }
}

function columnOf(child: SchemaTree, parts: readonly ColumnCursor[], rows: number, where: string): ArrayLike<unknown> {
  if (child.children.length === 0) return parts[0]!.take(rows);
  const values = new Map<string, DecodedArray>(parts.map((cursor) => [cursor.path, cursor.take(rows)]));
  try {
    assembleNested(values, child, { ...DEFAULT_PARSERS, ...parsers });
    const column = values.get(child.element.name);
    if (column === undefined || column.length !== rows) throw new Error("its parts do not fit together");
    return column;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw brokenParquet(messageOf(error), `${where}, column ${child.element.name}`, error);
  }
}
