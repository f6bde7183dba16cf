import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import type { DataFormat } from "../../../base/recipe/data-format.ts";
import { openDataFiles, readDataFiles } from "../data-files.ts";
import { Problems } from "../problems.ts";
import { globExpression } from "./glob.ts";
import type { Part } from "./parts.ts";

const scratch = mkdtempSync(join(tmpdir(), "folders-"));
after(() => rmSync(scratch, { recursive: true }));
let made = 0;

/** A new folder with these files. */
function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = join(scratch, String(made++));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

interface Read {
  /** `where: fields as JSON`. */
  readonly rows: readonly string[];
  readonly problems: readonly string[];
}

async function read(path: string, part?: Part, format: "auto" | DataFormat = "auto"): Promise<Read> {
  const files = await openDataFiles([path], { format, header: "auto", columns: {} }, () => {}, part);
  const problems = new Problems();
  const rows: string[] = [];
  for await (const { raw, path: file } of readDataFiles(files, problems)) {
    rows.push(`${file.slice(scratch.length + 1)}:${raw.line}: ${JSON.stringify(raw.fields)}`);
  }
  return { rows, problems: problems.groups().map(({ reason, count }) => `${count} ${reason}`) };
}

describe("a folder of plain files", () => {
  it("has a row for each, its sub-folder as label, in the same order everywhere", async () => {
    const folder = folderOf({ "b/2.txt": "two", "a/x/1.sol": "one\n", "a/10.txt": "ten", "a/9.txt": "nine" });
    const name = folder.slice(scratch.length + 1);
    assert.deepEqual(await read(folder), {
      rows: [
        `${name}/a/10.txt:1: {"text":"ten","label":"a","path":"a/10.txt"}`,
        `${name}/a/9.txt:1: {"text":"nine","label":"a","path":"a/9.txt"}`,
        `${name}/a/x/1.sol:1: {"text":"one\\n","label":"a","path":"a/x/1.sol"}`,
        `${name}/b/2.txt:1: {"text":"two","label":"b","path":"b/2.txt"}`,
      ],
      problems: [],
    });
    assert.equal((await read(`${folder}/**/*.sol`)).rows.length, 1);
  });

  it("counts what it leaves out", async () => {
    const folder = folderOf({
      ...{ "a/1.txt": "one", "b/2.txt": "caf\xe9", ".git/config": "x", "a/.hidden": "x" },
      ...{ "a/image.png": Uint8Array.of(0x89, 0, 1), "b/long.txt": "x".repeat(4 * 1024 ** 2 + 1) },
    });
    writeFileSync(join(folder, "b/2.txt"), Buffer.from("caf\xe9", "latin1"));
    symlinkSync(scratch, join(folder, "a/around"));
    symlinkSync("/etc/hostname", join(folder, "a/outside.txt"));
    symlinkSync("1.txt", join(folder, "a/inside.txt"));
    const { rows, problems } = await read(folder);
    assert.equal(rows.length, 3);
    assert.deepEqual(problems.toSorted(), [
      "1 holds binary data, not text",
      "1 invalid UTF-8, replaced by U+FFFD",
      "1 longer than 4 MiB",
      "2 a link that is not followed: the file is left out",
      "2 hidden: the file is left out",
    ]);
  });

  it("is entered where its sub-folders are parts", async () => {
    const folder = folderOf({ "train/a/1.txt": "1", "train/b/1.txt": "2", "dev/a/1.txt": "3" });
    assert.equal((await read(folder, "train")).rows.length, 2);
    assert.match((await read(folder, "validation")).rows.join(), /"text":"3","label":"a"/);
    assert.equal((await read(folder)).rows.length, 3);
    await assert.rejects(read(folder, "test"), /holds no test folder/);
  });

  it("without any, or none of that name", async () => {
    const folder = folderOf({ "a/1.txt": "1" });
    await assert.rejects(read(`${folder}/*.sol`), /no file in the folder is like \*\.sol/);
    await assert.rejects(read(join(folder, "a/2.txt")), /no such data file/);
    mkdirSync(join(folder, "empty"));
    await assert.rejects(read(join(folder, "empty")), /the folder holds no files/);
  });
});

describe("a manifest", () => {
  it("names files and says what belongs to them", async () => {
    const manifest = "file_name,label\nx/1.txt,pos\nx/3.txt,neg\n../1/x/1.txt,neg\n/etc/hostname,neg\n";
    const folder = folderOf({ "metadata.csv": manifest, "x/1.txt": "one", "x/2.txt": "two" });
    const { rows, problems } = await read(folder);
    assert.match(rows.join(), /metadata.csv:2: {"file_name":"x\/1.txt","label":"pos","text":"one"}$/);
    assert.deepEqual(problems, ["3 names no file of the folder"]);
  });

  it("has a column for the files' names", async () => {
    const folder = folderOf({ "manifest.jsonl": '{"name":"1.txt"}\n', "1.txt": "one" });
    await assert.rejects(read(folder), /no column names the files; there are name/);
  });
});

describe("a folder of data files", () => {
  it("gives those of the part", async () => {
    const files = { "data/train-00000-of-00002.jsonl": '{"a":1}\n', "data/train-00001-of-00002.jsonl": '{"a":2}\n' };
    const folder = folderOf({ ...files, "data/test-00000-of-00001.jsonl": '{"a":3}\n', "README.md": "# About" });
    assert.equal((await read(folder, "train")).rows.length, 2);
    assert.equal((await read(folder)).rows.length, 3);
    assert.equal((await read(`${folder}/data/*-of-00002.jsonl`, "test")).rows.length, 2);
    assert.equal((await read(folder, "train", "folder")).rows.length, 4);
  });

  it("of documents in JSON, one a file, is one of plain files", async () => {
    const folder = folderOf({ "spam/1.json": '{"a":1}', "ham/1.json": "{}" });
    assert.match((await read(folder)).rows.join(), /"text":"{\\"a\\":1}","label":"spam"/);
  });
});

describe("globs", () => {
  it("stay within a name, but for **", () => {
    const cases: readonly (readonly [glob: string, matching: string, other: string])[] = [
      ["*.txt", "a.txt", "a/b.txt"],
      ["**/*.txt", "a/b/c.txt", "a/b/c.text"],
      ["**/*.txt", "c.txt", "ctxt"],
      ["a?.{c,h}", "ab.h", "ab.x"],
      ["[a]+(b).txt", "[a]+(b).txt", "aab.txt"],
      ["a/**", "a/b/c", "b/a/c"],
    ];
    for (const [glob, matching, other] of cases) {
      assert.ok(globExpression(glob).test(matching), glob);
      assert.ok(!globExpression(glob).test(other), `${glob} and ${other}`);
    }
  });
});
