import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { UserError } from "../../../base/errors.ts";
import { packageRoot } from "../../../base/package-root.ts";
import { detectFormat } from "../format.ts";
import { Problems } from "../problems.ts";
import type { FormatHints } from "../reader.ts";
import { fileSource } from "../source.ts";

/** Made by scripts/fixtures/parquet.py. */
const fixtures = join(packageRoot, "tests/fixtures/parquet");
const expected = JSON.parse(readFileSync(join(fixtures, "expected.json"), "utf8")) as Record<string, unknown[]>;
const folder = mkdtempSync(join(tmpdir(), "parquet-"));
after(() => rmSync(folder, { recursive: true }));

interface Read {
  readonly rows: unknown[];
  readonly lines: number[];
  readonly reason: string;
  readonly problems: readonly string[];
}

async function read(path: string, hints: Partial<FormatHints> = {}): Promise<Read> {
  const source = await detectFormat(fileSource(path), { format: "auto", header: "auto", columns: [], ...hints });
  const problems = new Problems();
  const [rows, lines]: [unknown[], number[]] = [[], []];
  for await (const batch of source.read(problems)) {
    for (const { fields, line } of batch) {
      rows.push(fields);
      lines.push(line);
    }
  }
  return { rows, lines, reason: source.reason, problems: problems.lines() };
}

function fixture(name: string): Buffer {
  return readFileSync(join(fixtures, `${name}.parquet`));
}

async function readBytes(content: Uint8Array): Promise<Read> {
  const path = join(folder, "file");
  writeFileSync(path, content);
  return await read(path);
}

describe("Parquet", () => {
  for (const name of Object.keys(expected)) {
    it(`${name}: the rows that pyarrow wrote`, async () => {
      const { rows, lines } = await read(join(fixtures, `${name}.parquet`));
      assert.deepEqual(rows, expected[name]);
      assert.deepEqual(
        lines,
        expected[name]!.map((_, i) => i + 1),
      );
    });
  }

  it("packed as a whole is unpacked aside", async () => {
    assert.deepEqual((await readBytes(gzipSync(fixture("kinds")))).rows, expected.kinds);
  });

  it("tells bytes that are no text", async () => {
    const { problems } = await read(join(fixtures, "kinds.parquet"));
    assert.match(problems.join(), /^1 row changed: bytes that are no text, left out, first .*kinds.parquet:1$/);
  });

  it("has names of classes in its metadata, unless indices are wanted", async () => {
    const path = join(fixtures, "classes.parquet");
    assert.match((await read(path)).reason, /names the classes of label: World, Sports, Business; tags: World/);
    const raw = (await read(path, { rawClasses: true })).rows as { label: number }[];
    assert.deepEqual(
      raw.map(({ label }) => label),
      [-1, 0, 1, 2, -1, 0, 1, 2],
    );
  });

  it("that is cut off, encrypted, or lies about itself is refused", async () => {
    const whole = fixture("messages-1");
    const footer = whole.length - 8 - whole.readUInt32LE(whole.length - 8);
    const changed = (at: number, bytes: string): Buffer => {
      const copy = Buffer.from(whole);
      copy.write(bytes, at, "latin1");
      return copy;
    };
    const cases: readonly (readonly [Buffer, RegExp])[] = [
      [whole.subarray(0, -5), /it does not end with PAR1: it may have been cut off/],
      [whole.subarray(0, 9), /it ends too early/],
      [changed(whole.length - 4, "PARE"), /it is encrypted/],
      [changed(whole.length - 8, "\xff\xff\xff\x7f"), /its footer says it has 2147483647 bytes, more than the file/],
      [Buffer.concat([whole.subarray(0, 100), whole.subarray(footer)]), /outside of the file/],
      [changed(footer, "\x19\xfc\xff\xff\xff\xff\x07"), /a list says it has 2147483647 members/],
    ];
    for (const [content, says] of cases) {
      await assert.rejects(readBytes(content), (error) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.describe(), says);
        return true;
      });
    }
  });

  it("with any byte changed gives rows or an error that says where, in bounded memory", async () => {
    let refused = 0;
    for (const name of ["kinds", "messages-2", "delta-byte-array"]) {
      const whole = fixture(name);
      for (let at = 4; at < whole.length; at += 101) {
        const content = Buffer.from(whole);
        content[at] = [0xff, 0x00, 0x7f, content[at]! ^ 0x10][at % 4]!;
        try {
          await readBytes(content);
        } catch (error) {
          assert.ok(error instanceof UserError, `${name}, byte ${at}: ${error instanceof Error ? error.stack : error}`);
          refused++;
        }
      }
    }
    assert.ok(refused > 5);
    assert.ok(process.memoryUsage().rss < 600e6);
  });
});
