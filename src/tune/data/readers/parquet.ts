import { UserError } from "../../../base/errors.ts";
import { type ClassNames, classNamesOf, describeClasses, nameClass } from "../class-names.ts";
import { maxRowBytes } from "../lines.ts";
import { brokenParquet, type Footer, parquetMagic, readFooter } from "../parquet/footer.ts";
import { type Meter, plainValue } from "../parquet/plain-value.ts";
import { type ColumnBatch, readRowGroup } from "../parquet/row-group.ts";
import type { Problems } from "../problems.ts";
import { RandomAccess } from "../random-access.ts";
import type { FormatHints, Head, Reader, Recognised } from "../reader.ts";
import type { RawRow, RowReader } from "../row.ts";
import type { Source } from "../source.ts";

/** Text of rows per byte of their file: a dictionary lets a file repeat a text as often as it likes. */
const expansionRatio = 2000;
const expansionFloor = 1024 ** 3;

/** Apache Parquet: columns in row groups, of which a page of each column is held at a time. */
export const parquet: Reader = {
  formats: ["parquet"],
  content: "binary",
  async recognise(head: Head, hints: FormatHints): Promise<Recognised | undefined> {
    if (!head.bytes.subarray(0, 4).equals(parquetMagic)) return undefined;
    await using file = await RandomAccess.open(head.source, parquetMagic);
    const footer = await readFooter(file, head.source.name);
    const classes = hints.rawClasses ? new Map() : classesOf(footer);
    const named = classes.size === 0 ? "" : `; its metadata names the classes of ${describeClasses(classes)}`;
    return {
      format: "parquet",
      reason: `it starts with PAR1${named}`,
      read: (source, problems) => readParquet(source, classes, problems),
    };
  },
};

async function* readParquet(source: Source, classes: ClassNames, problems: Problems): RowReader {
  await using file = await RandomAccess.open(source, parquetMagic);
  const footer = await readFooter(file, source.name);
  let line = 1;
  let characters = 0;
  for (const [i, group] of footer.metadata.row_groups.entries()) {
    const where = `${source.name}, row group ${i + 1}`;
    for await (const batch of readRowGroup(file, footer, group, where)) {
      const rows: RawRow[] = [];
      for (let row = 0; row < batch.rows; row++, line++) {
        const { fields, meter } = fieldsOf(batch, row, classes);
        characters += meter.characters;
        const place = `${source.name}:${line}`;
        if (meter.binary > 0) problems.change(place, "bytes that are no text, left out");
        if (meter.characters <= maxRowBytes) rows.push({ line, fields });
        else problems.skip(place, `longer than ${maxRowBytes / 1024 ** 2} MiB`);
      }
      if (characters > expansionFloor && characters > file.size * expansionRatio) throw tooMuch(file.size, source.name);
      yield rows;
    }
  }
  if (line - 1 !== Number(footer.metadata.num_rows)) {
    throw brokenParquet(`it has ${line - 1} rows, its footer says ${footer.metadata.num_rows}`, source.name);
  }
}

function fieldsOf(
  { columns }: ColumnBatch,
  row: number,
  classes: ClassNames,
): { fields: RawRow["fields"]; meter: Meter } {
  const meter: Meter = { characters: 0, binary: 0 };
  const entries = [...columns].map(([name, values]) => {
    const value = plainValue(values[row], meter);
    const names = classes.get(name);
    return [name, names === undefined ? value : nameClass(value, names)] as const;
  });
  return { fields: Object.fromEntries(entries), meter };
}

/** What `datasets` keeps of its features in the file. */
function classesOf({ metadata }: Footer): ClassNames {
  const text = metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value;
  try {
    const { info } = JSON.parse(text ?? "{}") as { readonly info?: { readonly features?: unknown } };
    return classNamesOf(info?.features);
  } catch {
    return new Map();
  }
}

function tooMuch(size: number, where: string): UserError {
  return new UserError({
    code: "data/expansion",
    message: `${size} bytes stand for more than ${expansionRatio} times as much text, which no data set does`,
    where,
  });
}
