import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { packTar } from "modern-tar";
import { identities } from "./identities.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-identities-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const path = (name: string): string => join(scratch, name);
const keys = async (name: string, part: "train" | "test"): Promise<string[]> => [
  ...(await identities([path(name)], part)).keys(),
];

test("a file is itself by every name; members of an archive are apart, and what it means goes by the part", async () => {
  const row = '{"text": "a", "label": "b"}\n';
  mkdirSync(path("folder"));
  for (const name of ["folder/train.jsonl", "folder/test.jsonl"]) writeFileSync(path(name), row);
  symlinkSync(path("folder/train.jsonl"), path("link.jsonl"));
  const entries = ["train.jsonl", "test.jsonl"].map((name) => ({ header: { name, size: row.length }, body: row }));
  writeFileSync(path("set.tar"), await packTar(entries));

  const train = await keys("folder/train.jsonl", "test");
  assert.deepEqual(await keys("link.jsonl", "test"), train);
  assert.deepEqual(await keys("folder", "train"), train);
  assert.deepEqual(await keys("folder", "test"), await keys("folder/test.jsonl", "train"));
  const member = await keys("set.tar/train.jsonl", "test");
  assert.deepEqual(await keys("set.tar", "train"), member);
  const all = [train, await keys("folder", "test"), member, await keys("set.tar", "test"), await keys("none", "test")];
  assert.equal(new Set(all.flat()).size, 5);
});
