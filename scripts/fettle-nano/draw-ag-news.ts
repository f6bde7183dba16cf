/**
 * Draw the AG News excerpt of `examples/ag-news` from the set's own files, the same number of rows of every class:
 *
 *     node dist/scripts/fettle-nano/draw-ag-news.js DATA_FOLDER examples/ag-news
 */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../../src/base/random.ts";
import { agNewsLabels, readAgNews, withoutTestRows } from "./documents.ts";

const SEED = 17;
const ROWS_PER_CLASS = { train: 500, test: 125 };

const [dataFolder, outputFolder] = process.argv.slice(2);
if (dataFolder === undefined || outputFolder === undefined) {
  throw new Error("usage: draw-ag-news.js DATA_FOLDER OUTPUT_FOLDER");
}

for (const split of ["train", "test"] as const) {
  const rows = split === "train" ? withoutTestRows(dataFolder) : readAgNews(dataFolder, "test");
  const random = new Random(SEED, split);
  const left = new Map(agNewsLabels.map((label) => [label, ROWS_PER_CLASS[split]]));
  const drawn: string[] = [];
  for (const index of random.permutation(rows.length)) {
    const { label, title, description } = rows[index]!;
    const wanted = left.get(label)!;
    if (wanted === 0) continue;
    left.set(label, wanted - 1);
    drawn.push(`${JSON.stringify({ text: `${title}\n${description}`, label })}\n`);
  }
  const content = drawn.join("");
  writeFileSync(join(outputFolder, `${split}.jsonl`), content);
  console.log(`${split}.jsonl: ${drawn.length} rows, sha256 ${createHash("sha256").update(content).digest("hex")}`);
}
