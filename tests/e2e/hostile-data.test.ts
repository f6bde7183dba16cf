/** Data made to break readers, through the command line with a small heap: a clear message or counted skips. */
import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { fettle } from "../helpers/cli.ts";
import { repeatedZstd, storedZstd } from "../helpers/stored-zstd.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-hostile-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const good = '{"text":"a","label":"x"}\n{"text":"b","label":"y"}\n';
/** Heap of the child, in MB: less than any of these files would take as one text. */
const heap = "--max-old-space-size=96";

/** A file of a beginning and so many times the same piece, written without being held. */
function longFile(name: string, beginning: string, piece: string, times: number): string {
  const path = join(scratch, name);
  const file = openSync(path, "w");
  writeSync(file, beginning);
  for (let i = 0; i < times; i++) writeSync(file, piece);
  closeSync(file);
  return path;
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
}

const megabyte = "x".repeat(2 ** 20);
const cases: readonly (readonly [name: string, path: () => string, code: 0 | 2, says: RegExp])[] = [
  ["a line of 120 MB", () => longFile("line", `${good}{"text":"`, megabyte, 120), 0, /longer than 4 MiB/],
  ["a quote over 120 MB", () => longFile("quote", 'text,label\na,x\n"open', megabyte, 120), 0, /longer than 4 MiB/],
  [
    "lists in lists, a million deep",
    () => file("deep", `${good}{"text":${"[".repeat(1e6)}${"]".repeat(1e6)}}\n`),
    0,
    /nested more than 100 deep/,
  ],
  ["a row of a million columns", () => file("wide", `text,label\na,x\n${",".repeat(1e6)}\n`), 0, /not 2 columns/],
  [
    "a gzip bomb",
    () => file("bomb.gz", gzipSync(Buffer.concat([Buffer.from(good), Buffer.alloc(150 * 2 ** 20, 32)]))),
    2,
    /unpack to more than 200 times as many/,
  ],
  [
    "a zstd bomb",
    () => file("bomb.zst", Buffer.concat([storedZstd(Buffer.from(good)), repeatedZstd(0x20, 2000)])),
    2,
    /unpack to more than 200 times as many/,
  ],
  [
    "a Parquet file of nothing",
    () => file("p", Buffer.from("PAR1\xff\xff\xff\x7fPAR1", "latin1")),
    2,
    /footer says it has/,
  ],
];

for (const [name, path, code, says] of cases) {
  test(name, async () => {
    const result = await fettle(["inspect", path()], { env: { NODE_OPTIONS: heap } });
    assert.equal(result.code, code, result.stderr);
    assert.match(result.stdout + result.stderr, says);
    assert.doesNotMatch(result.stderr, /bug in Fettle|heap out of memory/);
  });
}
