import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { packTar, type TarEntry, type TarHeader } from "modern-tar";
import { storedZstd } from "../../../../tests/helpers/stored-zstd.ts";
import { UserError } from "../../../base/errors.ts";
import type { RunEvent } from "../../../base/events.ts";
import { readBytes } from "../bytes.ts";
import { findSources } from "./find-sources.ts";
import type { Part } from "./parts.ts";

const folder = mkdtempSync(join(tmpdir(), "tar-"));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, "set.tar.gz");

function file(name: string, body = `content of ${name}`): TarEntry {
  return { header: { name, size: Buffer.byteLength(body) }, body };
}

async function archive(...entries: readonly TarEntry[]): Promise<Buffer> {
  return Buffer.from(await packTar(entries));
}

/** What is read of an archive: contents by name, and the choice that was told. */
async function read(
  content: Buffer,
  part: Part | undefined,
  name = path,
): Promise<{ texts: string[]; choice: string }> {
  writeFileSync(path, content);
  const events: RunEvent[] = [];
  const texts: string[] = [];
  for (const source of await findSources(name, { part, format: "auto", onEvent: (event) => events.push(event) })) {
    const chunks: Buffer[] = [];
    assert.ok("open" in source);
    for await (const chunk of readBytes(source)) chunks.push(chunk);
    texts.push(`${source.name.slice(folder.length + 1)}: ${Buffer.concat(chunks)}`);
  }
  const choice = events.map((event) => (event.kind === "choice" ? `${event.value} (${event.reason})` : "")).join();
  return { texts, choice };
}

async function refused(content: Buffer, says: RegExp, part?: Part): Promise<void> {
  await assert.rejects(read(content, part), (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.describe(), says);
    return true;
  });
}

describe("files in a tar archive", () => {
  const three = [file("./"), file("README.md"), file("./train.jsonl"), file("./valid.jsonl"), file("./test.jsonl")];
  three[0] = { header: { name: "./", size: 0, type: "directory" } };

  it("by part, packed in any way", async () => {
    const plain = await archive(...three);
    for (const content of [plain, gzipSync(plain), storedZstd(plain)]) {
      const { texts, choice } = await read(content, "validation");
      assert.deepEqual(texts, ["set.tar.gz/valid.jsonl: content of ./valid.jsonl"]);
      assert.equal(choice, "valid.jsonl (by its name)");
    }
    assert.equal((await read(plain, undefined)).choice, "train.jsonl, valid.jsonl, test.jsonl (all data files in it)");
  });

  it("by name, packed by themselves", async () => {
    const rows = Buffer.from('{"a":1}\n');
    const packed = gzipSync(rows);
    const content = await archive(...three, {
      header: { name: "more/rows.jsonl.gz", size: packed.length },
      body: packed,
    });
    assert.deepEqual((await read(content, "train", `${path}/more/rows.jsonl.gz`)).texts, [
      'set.tar.gz/more/rows.jsonl.gz: {"a":1}\n',
    ]);
    const said = /no more\/row.jsonl.gz in the archive.*did you mean "more\/rows.jsonl.gz"/;
    await assert.rejects(read(content, "train", `${path}/more/row.jsonl.gz`), (error) =>
      said.test((error as UserError).describe()),
    );
  });

  it("whose names say no part are of all", async () => {
    const { texts, choice } = await read(await archive(file("b.csv"), file("a.csv"), file(".hidden.csv")), "train");
    assert.equal(texts.length, 2);
    assert.equal(choice, "a.csv, b.csv (all data files in it: no name says train, validation or test)");
  });

  it("in one of several formats", async () => {
    const both = await archive(file("data/train.csv"), file("data/train-0.parquet"), file("data/train-1.parquet"));
    assert.equal((await read(both, "train")).choice, "data/train-0.parquet, data/train-1.parquet (by their names)");
  });

  it("that has not the part wanted, or no data", async () => {
    await refused(
      await archive(file("train.jsonl")),
      /holds no test rows.*it has train: .*set.tar.gz\/train.jsonl/,
      "test",
    );
    await refused(await archive(file("README.md")), /holds no data file .*it holds README.md/);
  });

  it("are refused when an entry is no plain file within", async () => {
    const link = (type: TarHeader["type"], name: string): TarEntry => ({
      header: { name, size: 0, type: type!, linkname: "/etc/passwd" },
    });
    const cases: readonly (readonly [TarEntry, RegExp])[] = [
      [file("../train.jsonl"), /the entry "..\/train.jsonl" would lie outside/],
      [file("a/../../train.jsonl"), /would lie outside/],
      [file("/etc/train.jsonl"), /the entry "\/etc\/train.jsonl" would lie outside/],
      [file("C:\\train.jsonl"), /would lie outside/],
      [file("a\\train.jsonl"), /a character that no path should have/],
      [link("symlink", "train.jsonl"), /the entry "train.jsonl" is a symlink/],
      [link("link", "train.jsonl"), /the entry "train.jsonl" is a link/],
      [link("character-device", "null"), /the entry "null" is a character device/],
    ];
    for (const [entry, says] of cases) await refused(await archive(file("test.jsonl"), entry), says);
    await refused(await archive(file("train.jsonl"), file("./train.jsonl")), /"train.jsonl" is in it twice/);
  });

  it("are refused when the archive is damaged, or cut off", async () => {
    const content = await archive(file("train.jsonl", "x".repeat(5000)));
    await refused(content.subarray(0, 3000), /the tar archive is damaged or cut off/);
    await refused(gzipSync(content).subarray(0, 40), /the gzip stream ends too early/);
    const flipped = Buffer.from(content);
    flipped[3] = 1;
    await refused(flipped, /damaged or cut off \(Invalid tar header checksum/);
  });

  it("are refused when there is no end to them", async () => {
    const header = Buffer.from(await packTar([file("a", "")])).subarray(0, 512);
    await refused(
      gzipSync(Buffer.concat(Array.from({ length: 100_001 }, () => header))),
      /unpack to more than 200|twice|100000 entries/,
    );
  });
});
