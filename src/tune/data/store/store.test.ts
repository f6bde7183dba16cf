import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { UserError } from "../../../base/errors.ts";
import { Random } from "../../../base/random.ts";
import { EncodedDataset } from "../encoded-dataset.ts";
import type { Row } from "../example.ts";
import { Problems } from "../problems.ts";
import { Questions } from "../questions.ts";
import { SelectedRows } from "../rows.ts";
import { ByteLog } from "./byte-log.ts";
import { RowStore } from "./row-store.ts";
import type { Scratch } from "./scratch-file.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-store-"));
after(() => rmSync(folder, { recursive: true }));

/** All in memory; on disk after the first block; on disk from the first byte. */
const places: Readonly<Record<string, Scratch>> = {
  memory: { folder, memoryBytes: 2 ** 30 },
  both: { folder, memoryBytes: 2 ** 20 },
  disk: { folder, memoryBytes: 0 },
};

describe("bytes that may lie on disk", () => {
  for (const [place, scratch] of Object.entries(places)) {
    test(`${place}: are read as they were written, in any order`, () => {
      const random = new Random(1, "bytes");
      const log = new ByteLog(scratch);
      const records: { begin: number; bytes: Uint8Array }[] = [];
      for (let i = 0; i < 400; i++) {
        const bytes = Uint8Array.from({ length: 4 * random.integer(i % 50 === 0 ? 400_000 : 2000) }, () =>
          random.integer(256),
        );
        records.push({ begin: log.length, bytes });
        log.append(bytes);
        const { begin, bytes: earlier } = records[random.integer(records.length)]!;
        assert.ok(Buffer.from(log.read(begin, begin + earlier.length)).equals(earlier));
      }
      assert.equal(log.isOnDisk, place !== "memory");
      for (const order of [records, records.toReversed()]) {
        for (const { begin, bytes } of order) {
          const read = log.read(begin, begin + bytes.length);
          assert.ok(Buffer.from(read).equals(bytes));
          assert.equal(read.byteOffset % 4, 0);
        }
      }
    });
  }

  test("the file has no name: its space is free again however the process ends", () => {
    const log = new ByteLog(places.disk!);
    log.append(new Uint8Array(3 * 2 ** 20).fill(7));
    assert.ok(log.isOnDisk);
    assert.deepEqual(readdirSync(folder), []);
    assert.deepEqual([...log.read(2 ** 21, 2 ** 21 + 2)], [7, 7]);
  });

  test("a folder that cannot be written to is named, with what to do", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const log = new ByteLog({ folder: file, memoryBytes: 0 });
    assert.throws(
      () => log.append(new Uint8Array(1)),
      (error: UserError) => {
        assert.equal(error.code, "data/scratch");
        assert.equal(error.where, file);
        assert.match(error.fix!, /FETTLE_CACHE/);
        return true;
      },
    );
    rmSync(file);
  });
});

const long = "x".repeat(3000);
const rows: readonly Row[] = Array.from({ length: 900 }, (_, i): Row => {
  const row = { file: i < 500 ? "a.jsonl" : "b.jsonl", line: i + 1, label: i % 7 === 0 ? undefined : i % 3 };
  const values = { text: `${i} ü€𐐀 \ud800 "\\\n ${i % 9 === 0 ? long : ""}`, other: "" };
  if (i < 300) return { ...row, values };
  if (i < 600) return { ...row, values, weight: i / 7, ...(i % 4 > 0 && { labels: i % 4 === 1 ? [] : [0, i % 4] }) };
  const messages = [{ role: "user", content: values.text, name: "me" }];
  return { ...row, values: {}, messages, ...(i % 2 === 0 && { tools: [{ name: "look" }] }) };
});

describe("rows that may lie on disk", () => {
  for (const [place, scratch] of Object.entries(places)) {
    test(`${place}: are those that were put in`, () => {
      const store = RowStore.of(rows, scratch);
      assert.deepEqual(
        Array.from(rows, (_, i) => store.row(i)),
        rows,
      );
      assert.equal(store.where(777), "b.jsonl:778");
      const picked = new SelectedRows(new SelectedRows(store, [899, 4, 4, 650]), [3, 1, 2]);
      assert.deepEqual(
        [0, 1, 2].map((i) => picked.row(i)),
        [rows[650], rows[4], rows[4]],
      );
      assert.deepEqual(
        [0, 1, 2].map((i) => picked.label(i)),
        [650, 4, 4].map((i) => rows[i]!.label),
      );
      const questions = new Questions(store, ["a", "b", "c"]);
      // Row 302 has the labels 0 and 2, row 301 none, row 304 no list.
      const asked = [906, 907, 908, 903, 912].map((i) => questions.label(i));
      assert.deepEqual(asked, [1, 0, 1, 0, undefined]);
      assert.equal(questions.row(907).values["asked label"], "b");
      assert.equal(questions.row(907).weight, 302 / 7);
    });
  }
});

test("encoded examples are the same wherever they lie, and what they share is not stored again", () => {
  const random = new Random(3, "examples");
  const prompt = Int32Array.from({ length: 200 }, () => random.integer(150_000));
  const examples = Array.from({ length: 3000 }, (_, i) => {
    const own = Int32Array.from({ length: i % 100 === 0 ? 0 : 1 + random.integer(80) }, () => random.integer(150_000));
    const ids = Int32Array.of(...prompt.subarray(0, i % 5 === 0 ? random.integer(201) : 200), ...own);
    return { ids, supervised: Uint8Array.from(ids, () => (random.uniform() < 0.3 ? 1 : 0)) };
  });
  for (const scratch of Object.values(places)) {
    const set = new EncodedDataset(new Problems(), { scratch, beside: (row) => ({ weight: row }) });
    for (const [i, example] of examples.entries()) set.push(example, 2 * i);
    for (const i of [0, 2999, 17, 18, 19, 2000, 5]) assert.deepEqual(set.example(i), { ...examples[i], weight: 2 * i });
    assert.equal(
      set.tokens,
      examples.reduce((sum, { ids }) => sum + ids.length, 0),
    );
    assert.equal(
      set.supervisedTokens,
      examples.reduce((sum, { supervised }) => sum + supervised.filter((s) => s === 1).length, 0),
    );
    assert.equal(set.highestId, Math.max(...examples.map(({ ids }) => Math.max(...ids))));
  }
});
