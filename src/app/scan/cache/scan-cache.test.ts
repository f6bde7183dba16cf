import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { ScanCache } from "./scan-cache.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-scan-cache-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const keyOf = (n: number): string => n.toString(16).padStart(64, "0");
const model = "ab".repeat(32);
const fileIn = (folder: string): string => join(folder, readdirSync(folder)[0]!);

function open(folder: string, told: string[] = []): ScanCache {
  return new ScanCache(folder, model, (message) => told.push(message));
}

/** A cache of the values 0, 1, … */
function filled(name: string, count: number): string {
  const folder = join(scratch, name);
  const cache = open(folder);
  for (let n = 0; n < count; n++) cache.put(keyOf(n), { n });
  cache.flush();
  return folder;
}

const held = (cache: ScanCache, count: number): number[] =>
  Array.from({ length: count }, (_, n) => n).filter((n) => cache.has(keyOf(n)));

describe("scores kept between scans", () => {
  test("what was put is there for the next, by its key, for the same model", () => {
    const folder = filled("kept", 3);
    const cache = open(folder);
    assert.deepEqual(cache.get(keyOf(2)), { n: 2 });
    assert.equal(cache.get(keyOf(3)), undefined);
    const other = new ScanCache(folder, "cd".repeat(32), () => {});
    assert.equal(other.get(keyOf(2)), undefined);
  });

  test("the last value of a key counts, and nothing is kept before flush", () => {
    const folder = filled("again", 1);
    const cache = open(folder);
    cache.put(keyOf(0), { n: 7 });
    assert.deepEqual(open(folder).get(keyOf(0)), { n: 0 });
    cache.flush();
    assert.deepEqual(open(folder).get(keyOf(0)), { n: 7 });
  });

  test("two scans at once keep the lines of both", () => {
    const folder = filled("two", 1);
    const [first, second] = [open(folder), open(folder)];
    for (let n = 1; n < 20; n++) {
      (n % 2 ? first : second).put(keyOf(n), { n });
      (n % 2 ? first : second).flush();
    }
    assert.equal(held(open(folder), 20).length, 20);
  });

  test("a line that was cut off is dropped in silence, and the next one begins a line", () => {
    for (let cut = 1; cut < 60; cut += 7) {
      const folder = filled(`cut-${cut}`, 5);
      truncateSync(fileIn(folder), readFileSync(fileIn(folder)).length - cut);
      const told: string[] = [];
      const cache = open(folder, told);
      assert.deepEqual([held(cache, 5), told], [[0, 1, 2, 3], []]);
      cache.put(keyOf(4), { n: 4 });
      cache.flush();
      assert.deepEqual(held(open(folder, told), 5), [0, 1, 2, 3, 4]);
      assert.deepEqual(told, []);
    }
  });

  test("damage anywhere else: all of it is thrown away, with a note", () => {
    for (const [i, at] of [0, 3, 12, 80, 200].entries()) {
      const folder = filled(`damaged-${i}`, 5);
      const bytes = readFileSync(fileIn(folder));
      bytes[at]! ^= 1;
      writeFileSync(fileIn(folder), bytes);
      const told: string[] = [];
      const cache = open(folder, told);
      assert.deepEqual(held(cache, 5), []);
      assert.match(told.join(), /damaged, and is thrown away/);
      cache.put(keyOf(1), { n: 1 });
      cache.flush();
      assert.deepEqual(held(open(folder), 5), [1]);
    }
  });

  test("noise, and a folder in its place: a scan is worth more than its cache", () => {
    const folder = filled("noise", 1);
    const path = fileIn(folder);
    appendFileSync(path, `${"\0\n".repeat(1000)}x`);
    assert.deepEqual(held(open(folder), 1), []);
    mkdirSync(path);
    const told: string[] = [];
    const cache = open(folder, told);
    cache.put(keyOf(1), {});
    cache.flush();
    assert.equal(told.length, 1);
    assert.match(told[0]!, /cannot be used/);
  });

  test("of models, the last used ones stay", () => {
    const folder = filled("models", 1);
    for (let n = 0; n < 40; n++) {
      const path = join(folder, `${n}.scores`);
      writeFileSync(path, "");
      utimesSync(path, n, n);
    }
    assert.deepEqual(held(open(folder), 1), [0]);
    const left = readdirSync(folder);
    assert.equal(left.length, 16);
    assert.ok(left.includes("39.scores") && !left.includes("24.scores"));
  });
});
