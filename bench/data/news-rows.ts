/** A JSONL file of a size that is asked for, of rows like AG News'. */
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/base/package-root.ts";
import { openDataFiles, readDataFiles } from "../../src/tune/data/data-files.ts";
import { Problems } from "../../src/tune/data/problems.ts";

export const newsLabels = ["World", "Sports", "Business", "Sci/Tech"] as const;

const excerpt = join(packageRoot, "examples/ag-news/train.jsonl");
/** AG News' own files have no header: class, title, description. */
const columns = { label: "0", title: "1", description: "2" };

/** Rows of `{text, label}` as lines: of the file given (AG News' own, or `{text, label}`), by default of the excerpt. */
export async function newsLines(file: string = excerpt): Promise<readonly string[]> {
  const sources = await openDataFiles([file], { format: "auto", header: "auto", columns: {} }, () => {});
  const lines: string[] = [];
  for await (const { raw } of readDataFiles(sources, new Problems())) {
    const { fields } = raw;
    const text = fields.text ?? `${fields[columns.title]}\n${fields[columns.description]}`;
    const label = fields.label ?? newsLabels[Number(fields[columns.label]) - 1];
    lines.push(`${JSON.stringify({ text, label })}\n`);
  }
  return lines;
}

/** Writes that many rows, from the first again when there are no more. */
export function writeNews(path: string, lines: readonly string[], rows: number): void {
  const file = openSync(path, "w");
  try {
    for (let done = 0; done < rows; ) {
      const part = lines.slice(0, rows - done);
      writeSync(file, part.join(""));
      done += part.length;
    }
  } finally {
    closeSync(file);
  }
}
