import type { PreparedFiles } from "../api/prepared-rows.ts";
import { formatCount } from "../report/format.ts";
import { printable } from "./printable.ts";

/** `train.jsonl: 800 rows`, file by file, and what is in none. */
export function preparedLines({ files, skipped }: Pick<PreparedFiles, "files" | "skipped">): string[] {
  const lines = Object.entries(files).map(([path, rows]) => `${printable(path)}: ${formatCount(rows)} rows`);
  return skipped === 0 ? lines : [...lines, `in no file: ${formatCount(skipped)} rows that cannot be used`];
}
