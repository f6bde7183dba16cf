import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { UserError } from "../../../base/errors.ts";
import { detectFormat } from "../format.ts";
import { maxRowBytes } from "../lines.ts";
import { Problems } from "../problems.ts";
import type { FormatHints } from "../reader.ts";
import { fileSource } from "../source.ts";

const folder = mkdtempSync(join(tmpdir(), "readers-"));
after(() => rmSync(folder, { recursive: true }));

interface Read {
  readonly format: string;
  /** `line: cells or members as JSON`. */
  readonly rows: readonly string[];
  /** `count reason`. */
  readonly problems: readonly string[];
}

function hintsOf(hints: Partial<FormatHints> = {}): FormatHints {
  return { format: "auto", header: "auto", columns: [], ...hints };
}

async function fileOf(content: string | Uint8Array): Promise<string> {
  const path = join(folder, "file");
  writeFileSync(path, content);
  return path;
}

/** Everything that is found in a file of this content. */
async function read(content: string | Uint8Array, hints: Partial<FormatHints> = {}): Promise<Read> {
  const path = await fileOf(content);
  const format = await detectFormat(fileSource(path), { format: "auto", header: "auto", columns: [], ...hints });
  const problems = new Problems();
  const rows: string[] = [];
  for await (const batch of format.read(problems)) {
    for (const { line, fields } of batch) rows.push(`${line}: ${JSON.stringify(fields)}`);
  }
  const counts = problems.groups().map(({ count, reason }) => `${count} ${reason}`);
  return { format: format.format, rows, problems: counts };
}

async function refusal(content: string | Uint8Array, hints: Partial<FormatHints> = {}): Promise<string> {
  let said = "";
  await assert.rejects(read(content, hints), (error) => {
    assert.ok(error instanceof UserError, String(error));
    said = `${error.message}; ${error.fix}`;
    return true;
  });
  return said;
}

describe("JSONL", () => {
  it("has one object per line, whatever the line ends, with or without BOM and gzip", async () => {
    const rows = ['1: {"a":1}', '3: {"a":"é"}'];
    const text = '{"a":1}\n\n{"a":"é"}\n';
    for (const content of [text, text.replaceAll("\n", "\r\n"), `\uFEFF${text}`, text.trimEnd(), gzipSync(text)]) {
      assert.deepEqual(await read(content), { format: "jsonl", rows, problems: [] });
    }
  });

  it("loses only its faulty lines", async () => {
    const { rows, problems } = await read('{"a":1}\n{"a":\n[1]\n3\n{"a":2}\n{"a":"cut o');
    assert.deepEqual(rows, ['1: {"a":1}', '5: {"a":2}']);
    assert.deepEqual(problems, ["2 not a JSON object", "1 not valid JSON", "1 the file ends within this row"]);
  });

  it("keeps rows with invalid UTF-8, and counts them", async () => {
    const { rows, problems } = await read(Buffer.from('{"a":"caf\xe9"}\n{"a":"ok"}\n', "latin1"));
    assert.deepEqual(rows, ['1: {"a":"caf\uFFFD"}', '2: {"a":"ok"}']);
    assert.deepEqual(problems, ["1 invalid UTF-8, replaced by U+FFFD"]);
  });

  it("passes over a row beyond the limit", async () => {
    const { rows, problems } = await read(`{"a":1}\n{"a":"${"x".repeat(maxRowBytes)}"}\n{"a":2}\n`);
    assert.deepEqual(rows, ['1: {"a":1}', '3: {"a":2}']);
    assert.deepEqual(problems, ["1 longer than 4 MiB"]);
  });

  it("cannot reach into prototypes", async () => {
    await read('{"__proto__":{"polluted":1},"a":1}\n');
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });
});

describe("CSV", () => {
  it("without header, as AG News comes: quoted fields with commas, quotes, line ends and backslashes", async () => {
    const text = '"3","Fed, again","said ""no""\nand \\$600,000 left"\n"4","Space","b"\n';
    assert.deepEqual(await read(text), {
      format: "csv",
      rows: [
        '1: {"0":"3","1":"Fed, again","2":"said \\"no\\"\\nand \\\\$600,000 left"}',
        '3: {"0":"4","1":"Space","2":"b"}',
      ],
      problems: [],
    });
  });

  it("with header, with tabs, semicolons, mixed line ends", async () => {
    const rows = ['2: {"text":"a","label":"1"}', '3: {"text":"b","label":"2"}'];
    assert.deepEqual(await read("text,label\na,1\nb,2\n"), { format: "csv", rows, problems: [] });
    assert.deepEqual(await read("text;label\na;1\nb;2\n"), { format: "csv", rows, problems: [] });
    assert.deepEqual(await read("\uFEFFtext\tlabel\r\na\t1\nb\t2\r\n"), { format: "tsv", rows, problems: [] });
  });

  it("takes its header from what the recipe says", async () => {
    assert.deepEqual((await read("a,b\nc,d\n", { header: false })).rows.length, 2);
    assert.deepEqual((await read("1,b\nc,d\n", { header: true })).rows, ['2: {"1":"c","b":"d"}']);
    assert.deepEqual((await read("a,b\nc,d\n", { columns: [0, 1] })).rows.length, 2);
    assert.deepEqual((await read("1 + 1,b\nc,d\n", { columns: ["1 + 1"] })).rows.length, 1);
  });

  it("counts rows with other numbers of columns", async () => {
    const { rows, problems } = await read("text,label\na,1\nb\nc,2,3\nd,4\n");
    assert.deepEqual(rows, ['2: {"text":"a","label":"1"}', '5: {"text":"d","label":"4"}']);
    assert.deepEqual(problems, ["2 not 2 columns as in the first row"]);
  });

  it("loses one row to a quote that is never closed, not the rest of the file", async () => {
    const good = Array.from({ length: 5000 }, (_, i) => `"${i}","text ${i}"`);
    const { rows, problems } = await read([...good.slice(0, 10), '"10","open', ...good.slice(11)].join("\n"));
    assert.equal(rows.length, 4999);
    assert.equal(rows.at(-1), '5000: {"0":"4999","1":"text 4999"}');
    assert.deepEqual(problems, ["1 a quote that is not closed or not doubled"]);
  });

  it("does not join two rows that each have one stray quote", async () => {
    const { rows, problems } = await read('a,1\nb,"x\nc,3\nd,"y"z"\ne,5\n');
    const kept = [
      '1: {"0":"a","1":"1"}',
      '3: {"0":"c","1":"3"}',
      '4: {"0":"d","1":"\\"y\\"z\\""}',
      '5: {"0":"e","1":"5"}',
    ];
    assert.deepEqual(rows, kept);
    assert.deepEqual(problems, ["1 a quote that is not closed or not doubled"]);
  });

  it("accepts a quote inside an unquoted field", async () => {
    const { rows } = await read('a,1\n5" disk,2\nhe said "no",3\n');
    assert.deepEqual(rows.slice(1), ['2: {"0":"5\\" disk","1":"2"}', '3: {"0":"he said \\"no\\"","1":"3"}']);
  });

  it("says that the file ends within its last row", async () => {
    const { rows, problems } = await read('"1","a"\n"2","b and th');
    assert.deepEqual(rows, ['1: {"0":"1","1":"a"}']);
    assert.deepEqual(problems, ["1 the file ends within this row"]);
  });

  it("has a multi-line row that spans two chunks of the file", async () => {
    const long = `"1","${"line\n".repeat(1500)}"\n`;
    const { rows, problems } = await read(`${'"0","a"\n'.repeat(32000)}${long}"2","b"\n`);
    assert.equal(rows.length, 32002);
    assert.ok(rows.at(-2)!.startsWith('32001: {"0":"1","1":"line\\nline'));
    assert.deepEqual(problems, []);
  });
});

describe("JSON", () => {
  it("is a list of objects, laid out in any way", async () => {
    const rows = ['2: {"a":"],{\\"}"}', '5: {"a":{"b":[1,2]}}'];
    const text = '[\n  {"a": "],{\\"}"},\n\n\n  {"a":\n {"b": [1, 2]}}\n]\n';
    assert.deepEqual(await read(text), { format: "json", rows, problems: [] });
    assert.deepEqual((await read('[{"a":1},{"a":2}]')).rows, ['1: {"a":1}', '1: {"a":2}']);
  });

  it("loses only its faulty elements", async () => {
    const { rows, problems } = await read('[{"a":1},\n{"a":tru},\n7,\n{"a":2},\n{"a":"cut');
    assert.deepEqual(rows, ['1: {"a":1}', '4: {"a":2}']);
    assert.deepEqual(problems.toSorted(), [
      "1 not a JSON object",
      "1 not valid JSON",
      "1 the file ends within this row",
      "1 the list is not closed: the file may have been cut off",
    ]);
  });

  it("is bounded by the size of one element", async () => {
    const { rows, problems } = await read(`[{"a":1},{"a":"${"x".repeat(maxRowBytes)}"},{"a":2}]`);
    assert.equal(rows.length, 2);
    assert.deepEqual(problems, ["1 longer than 4 MiB"]);
  });

  it("is refused when it is no list", async () => {
    assert.match(await refusal('{\n"a": 1\n}'), /neither JSONL .* nor an object with a list of rows/);
    assert.match(await refusal('1, [{"a":1}]', { format: "json" }), /is a list of objects/);
    assert.match(await refusal('[{"a":1}] {"a":2}', { format: "json" }), /behind the end of the list/);
  });
});

describe("JSON with the list in an object", () => {
  it("is read from where the list begins", async () => {
    const rows = [{ a: "x}" }, { a: "[" }];
    for (const [before, indent] of [
      ["", 0],
      ["", 1],
      [{ version: "1.0", n: 2 }, 2],
    ] as const) {
      const text = JSON.stringify({ ...(before || {}), data: rows, after: [1, { b: 2 }] }, null, indent);
      const read1 = await read(text);
      assert.deepEqual(
        read1.rows.map((row) => row.replace(/^\d+: /, "")),
        ['{"a":"x}"}', '{"a":"["}'],
        text,
      );
      assert.deepEqual(read1.problems, []);
    }
  });

  it("is no line of JSONL, which may hold such a list too", async () => {
    const line = '{"data":[{"a":1}]}\n';
    assert.deepEqual((await read(line + line)).rows.length, 2);
    assert.equal((await read(line + line)).format, "jsonl");
    assert.equal((await read('{"messages":[{"role":"user"}]}')).format, "jsonl");
  });
});

describe("what breaks other readers", () => {
  it("nesting that no stack holds is skipped and counted", async () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const { rows, problems } = await read(`{"a":1}\n{"a":${deep}}\n{"a":2}\n`);
    assert.equal(rows.length, 2);
    assert.deepEqual(problems, ["1 nested more than 100 deep"]);
  });

  it("names of prototypes are names", async () => {
    const text = '{"__proto__":{"x":1},"constructor":"c","a":1}\n';
    const source = await detectFormat(fileSource(await fileOf(text)), hintsOf());
    for await (const [row] of source.read(new Problems())) {
      assert.ok(row !== undefined && Object.hasOwn(row.fields, "__proto__"));
      assert.equal(row.fields.constructor, "c");
    }
    assert.equal(({} as { x?: unknown }).x, undefined);
  });

  it("a million columns, and rows that have them", async () => {
    const { rows, problems } = await read(`a,b\n1,2\n${",".repeat(1_000_000)}\n3,4\n`);
    assert.deepEqual([rows.length, problems], [2, ["1 not 2 columns as in the first row"]]);
  });

  it("a quote that stays open over megabytes costs its line", async () => {
    const { rows, problems } = await read(`a,b\n"1,2\n${`${"x".repeat(1000)},y\n`.repeat(6000)}`);
    assert.deepEqual([rows.length, problems], [6000, ["1 a quote that is not closed or not doubled"]]);
  });

  it("lines that end with CR alone are said to", async () => {
    assert.match(await refusal("text,label\ra,x\rb,y\r"), /lines end with CR alone/);
    assert.equal((await read('[{"a":1},\r{"a":2}]\r')).rows.length, 2);
  });

  it("bytes of zero within text", async () => {
    const { rows, problems } = await read(`${'{"a":1}\n'.repeat(2000)}${"\0".repeat(1000)}\n{"a":2}\n`);
    assert.deepEqual([rows.length, problems], [2001, ["1 not valid JSON"]]);
  });
});

describe("text", () => {
  it("is never guessed", async () => {
    assert.match(await refusal("one line\nand another\n"), /neither JSONL, JSON, CSV nor TSV.*data.format: text/);
  });

  it("has one row per line", async () => {
    assert.deepEqual((await read("one\n\ntwo, three\n", { format: "text" })).rows, [
      '1: {"text":"one"}',
      '3: {"text":"two, three"}',
    ]);
  });
});

describe("files that hold no rows", () => {
  const packed = gzipSync('{"a":1}\n'.repeat(100_000));
  const cases: readonly (readonly [name: string, content: string | Uint8Array, RegExp])[] = [
    ["empty", "", /the file is empty/],
    ["blank", "\n \n", /the file is empty/],
    ["zip", Buffer.from("PK\x03\x04rest"), /is a zip archive.*unzip/],
    ["zstd cut off", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1]), /the zstd stream ends too early/],
    ["parquet cut off", Buffer.from("PAR1\x15\x04"), /Parquet file cannot be used: it ends too early/],
    ["UTF-16", Buffer.from('\uFEFF{"a":1}', "utf16le"), /UTF-16.*save it as UTF-8/],
    ["binary", Buffer.from([1, 2, 0, 4]), /binary data/],
    ["gzip with damage", Buffer.concat([packed.subarray(0, 30), Buffer.alloc(60, 7)]), /gzip stream is damaged/],
    ["gzip of nothing", gzipSync(""), /the file is empty/],
  ];
  for (const [name, content, expected] of cases) {
    it(name, async () => assert.match(await refusal(content), expected));
  }

  it("gzip cut off", async () => {
    assert.match(await refusal(packed.subarray(0, packed.length - 20)), /ends too early, after \d+ bytes of text/);
  });

  it("a folder, and nothing at all", async () => {
    const hints = { format: "auto", header: "auto", columns: [] } as const;
    await assert.rejects(detectFormat(fileSource(folder), hints), /is a folder/);
    await assert.rejects(detectFormat(fileSource(join(folder, "none")), hints), /no such data file/);
    await assert.rejects(detectFormat(fileSource("/dev/null"), hints), /not a regular file/);
  });

  it("gzip that expands without bound", async () => {
    const bomb = Buffer.concat([gzipSync('{"a":1}\n'), gzipSync(Buffer.alloc(100 * 1024 * 1024, " "))]);
    assert.match(await refusal(bomb), /unpack to more than 200 times as many/);
  });
});
