import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { UserError } from "../../base/errors.ts";
import { parseRecipe } from "../../base/recipe/load.ts";
import { type TargetShape, targetShapes } from "../../tune/data/target-shape.ts";
import { type ConvertOptions, convertData } from "./convert-data.ts";

const folder = mkdtempSync(join(tmpdir(), "convert-"));
after(() => rmSync(folder, { recursive: true }));

const { recipe } = parseRecipe("base: m", join(folder, "r.yaml"), { purpose: "evaluate" });
const reading = { data: recipe.data, template: recipe.template };

function file(name: string, rows: readonly unknown[] | string): string {
  const path = join(folder, name);
  writeFileSync(path, typeof rows === "string" ? rows : rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}

/** Converts, and returns what the file says. */
async function written(rows: readonly unknown[] | string, name: string, more: Partial<ConvertOptions> = {}) {
  const output = join(folder, name);
  await convertData([file("input", rows)], { output, reading, force: true, ...more });
  return readFileSync(output);
}

async function refusal(rows: readonly unknown[] | string, name: string, more: Partial<ConvertOptions> = {}) {
  let said = "";
  await assert.rejects(written(rows, name, more), (error) => {
    assert.ok(error instanceof UserError, String(error));
    said = error.describe();
    return true;
  });
  return said;
}

function lines(bytes: Uint8Array): unknown[] {
  return Buffer.from(bytes)
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const single = [
  { text: "Stocks fell", label: "Business", id: 7 },
  { text: 'a "b", c\nd', label: "Sports", id: 8 },
];
const chat = {
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Hello" },
    { role: "user", content: "Bye" },
    { role: "assistant", content: "See you" },
  ],
};

describe("formats", () => {
  it("CSV is what another reader of RFC 4180 reads", async () => {
    const text = (await written(single, "o.csv")).toString();
    assert.deepEqual(parse(text), [
      ["text", "label", "id"],
      ...single.map((row) => [row.text, row.label, String(row.id)]),
    ]);
  });

  it("gzip is what gzip unpacks", async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => ({ text: `row ${i} ${"x".repeat(60)}`, label: "a" }));
    const packed = await written(rows, "o.jsonl.gz");
    assert.deepEqual(lines(gunzipSync(packed)), rows);
    assert.equal(
      execFileSync("gzip", ["-dc", join(folder, "o.jsonl.gz")], { maxBuffer: 2 ** 26 }).length,
      gunzipSync(packed).length,
    );
  });

  it("JSON is one list", async () =>
    assert.deepEqual(JSON.parse((await written(single, "o.json")).toString()), single));

  it("what a cell cannot hold is refused by name, and left out when asked", async () => {
    const rows = [...single, { text: "c", label: "Sports", id: { a: 1 } }];
    assert.match(await refusal(rows, "o.csv"), /1 of 3 rows would lose something.*in id.*input:3/);
    assert.match(await refusal([{ text: "nul \0", label: "b" }], "o.tsv"), /in text/);
    assert.equal(parse(await written(rows, "o.csv", { drop: ["id"] })).length, 4);
    assert.equal(parse(await written(rows, "o.csv", { skip: true })).length, 3);
  });

  it("fields of all rows are columns", async () => {
    const text = await written([{ text: "a" }, { text: "b", more: 1 }], "o.tsv");
    assert.equal(text.toString(), "text\tmore\na\t\nb\t1\n");
  });
});

describe("shapes", () => {
  const shapes: Readonly<Record<TargetShape, unknown>> = {
    messages: {
      messages: [
        { role: "user", content: "Stocks fell" },
        { role: "assistant", content: "Business" },
      ],
    },
    sharegpt: {
      conversations: [
        { from: "human", value: "Stocks fell" },
        { from: "gpt", value: "Business" },
      ],
    },
    "prompt-completion": { prompt: "Stocks fell", completion: "Business" },
    alpaca: { instruction: "Stocks fell", input: "", output: "Business" },
    "text-label": { text: "Stocks fell", label: "Business" },
  };

  for (const from of targetShapes) {
    for (const to of targetShapes) {
      it(`${from} to ${to}, with other fields carried along`, async () => {
        const row = { ...(shapes[from] as object), id: 7 };
        assert.deepEqual(lines(await written([row], "o.jsonl", { shape: to })), [{ ...(shapes[to] as object), id: 7 }]);
      });
    }
  }

  it("a conversation survives the way there and back", async () => {
    for (const shape of ["sharegpt", "prompt-completion"] as const) {
      const there = await written([chat], "there.jsonl", { shape });
      assert.deepEqual(lines(await written(there.toString(), "back.jsonl", { shape: "messages" })), [chat]);
    }
  });

  it("what a shape cannot hold is refused, with the reason and the row", async () => {
    assert.match(await refusal([single[0], chat], "o.jsonl", { shape: "sharegpt" }), /messages/);
    const row = { messages: chat.messages.slice(0, 3) };
    assert.match(await refusal([row], "o.jsonl", { shape: "alpaca" }), /a system message: 1 row, first .*input:1/);
    assert.match(
      await refusal([{ messages: chat.messages.slice(1) }], "o.csv", { shape: "text-label" }),
      /more than one question/,
    );
    const called = {
      messages: [
        { role: "user", content: "q" },
        { role: "assistant", content: "", tool_calls: [] },
      ],
    };
    assert.match(await refusal([called], "o.jsonl", { shape: "sharegpt" }), /tool calls/);
    assert.match(
      await refusal([{ ...chat, conversations: "x" }], "o.jsonl", { shape: "sharegpt" }),
      /in the way.*conversations/,
    );
    assert.match(await refusal([{ text: "only" }], "o.jsonl", { shape: "messages" }), /plain text/);
  });

  it("instruction and input stay apart; a recipe's names replace what the file says", async () => {
    const rows = [{ instruction: "Add", input: "1 2", output: "3" }];
    assert.deepEqual(lines(await written(rows, "o.jsonl", { shape: "alpaca" })), rows);
    const data = { ...recipe.data, columns: { label: 0, text: 1 }, labels: { "1": "World", "2": "Sports" } };
    const named = await written("1,Vote\n2,Goal\n", "o.jsonl", { shape: "text-label", reading: { ...reading, data } });
    assert.deepEqual(lines(named), [
      { text: "Vote", label: "World" },
      { text: "Goal", label: "Sports" },
    ]);
  });

  it("lists of labels, to a table and back", async () => {
    const rows = [
      { text: "a", labels: ["x", "y, z"] },
      { text: "b", labels: [] },
    ];
    const table = await written(rows, "o.csv", { shape: "text-label" });
    assert.equal(table.toString(), 'text,labels\na,"[""x"",""y, z""]"\nb,[]\n');
    assert.match(await refusal(rows, "o.jsonl", { shape: "messages" }), /several labels/);
  });
});

describe("care", () => {
  it("writes over nothing unless told to, and leaves nothing half written", async () => {
    const output = file("there.jsonl", "kept");
    await assert.rejects(convertData([file("input", single)], { output, reading }), /already/);
    await assert.rejects(
      convertData([file("input", [chat])], { output, reading, shape: "alpaca", force: true }),
      /lose/,
    );
    assert.equal(readFileSync(output, "utf8"), "kept");
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith(".tmp")),
      [],
    );
    assert.ok(!existsSync(join(folder, "no.txt")));
    assert.match(await refusal(single, "no.txt"), /does not say its format/);
  });

  it("counts what cannot be read: broken JSON, BOM, CR LF, bad UTF-8, a row of 5 MB, deep nesting", async () => {
    const bytes = Buffer.concat([
      Buffer.from('\uFEFF{"text":"a","label":"x"}\r\n{"text":\n'),
      Buffer.from([0x7b, 0x22, 0x74, 0x65, 0x78, 0x74, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d, 0x0a]),
      Buffer.from(`{"text":"${"x".repeat(5e6)}"}\n${"[".repeat(100_000)}\n{"text":"b","label":"y"}\n`),
    ]);
    const input = join(folder, "hostile");
    writeFileSync(input, bytes);
    const done = await convertData([input], {
      output: join(folder, "h.jsonl"),
      reading,
      shape: "text-label",
      force: true,
    });
    assert.equal(done.rows, 3);
    assert.equal(done.skipped, 3);
    assert.deepEqual(lines(readFileSync(done.output)), [
      { text: "a", label: "x" },
      { text: "\uFFFD" },
      { text: "b", label: "y" },
    ]);
    writeFileSync(input, gzipSync(bytes).subarray(0, 200));
    await assert.rejects(convertData([input], { output: join(folder, "h.jsonl"), reading, force: true }), /gzip/);
  });
});
