import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { UserError } from "../../../base/errors.ts";
import { packageRoot } from "../../../base/package-root.ts";
import { type FileOptions, openDataFiles, readDataFiles } from "../data-files.ts";
import { Problems } from "../problems.ts";

const folder = mkdtempSync(join(tmpdir(), "label-studio-"));
after(() => rmSync(folder, { recursive: true }));

/** What scripts/fixtures/label-studio.py had a server export. */
const full = join(packageRoot, "tests/fixtures/label-studio/export.json");
const minimal = join(packageRoot, "tests/fixtures/label-studio/export-min.json");

async function read(path: string, options: Partial<FileOptions> = {}) {
  const problems = new Problems();
  const files = await openDataFiles([path], { format: "auto", header: "auto", columns: {}, ...options }, () => {});
  const rows: Record<string, unknown>[] = [];
  for await (const { raw } of readDataFiles(files, problems)) rows.push(raw.fields);
  const skipped = problems.groups().map(({ reason, count }) => `${count} ${reason}`);
  return { rows, skipped: skipped.sort(), reason: files[0]!.reason, format: files[0]!.format };
}

function written(value: unknown): string {
  const path = join(folder, "export.json");
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
}

async function refusal(path: string, options: Partial<FileOptions> = {}): Promise<string> {
  let said = "";
  await assert.rejects(read(path, options), (error) => {
    assert.ok(error instanceof UserError, String(error));
    said = error.describe();
    return true;
  });
  return said;
}

const topics = [
  ["Stocks fall in Paris", "World"],
  ["Rome wins the final 3:1", "Sports"],
  ["Skipped by one", "Sci/Tech"],
  ["Settled by ground truth", "Sci/Tech"],
  ['"Quoted",\nwith a line end', "World"],
];

describe("the server's own exports", () => {
  it("JSON: the majority, what is left out and why, and how far people agree", async () => {
    const { rows, skipped, reason, format } = await read(full);
    assert.equal(format, "label-studio");
    assert.deepEqual(
      rows.map(({ headline, label }) => [headline, label]),
      topics,
    );
    assert.ok(rows.every(({ text, headline, source }) => text === headline && typeof source === "string"));
    assert.deepEqual(skipped, [
      "1 annotators are divided",
      "1 everybody skipped the task",
      "1 nobody labelled the task",
      "1 nothing was chosen",
    ]);
    // Pairs: 3 of 3, 1 of 3, 0 of 1, 0 of 1.
    assert.match(
      reason,
      /6 of 9 tasks labelled; label from topic .*text from headline; 3 annotators on 4 tasks: 50\.0 % of pairs/,
    );
    assert.match(reason, /2 tasks with different answers: the majority counts, 1 ties are left out/);
  });

  it("JSON-MIN says the same, but for skipped tasks and ground truth, which it does not have", async () => {
    const { rows, skipped } = await read(minimal);
    assert.deepEqual(
      rows.map(({ text, label }) => [text, label]),
      topics.filter(([text]) => !text!.startsWith("Settled")),
    );
    assert.deepEqual(skipped, ["1 nobody labelled the task", "1 nothing was chosen", "2 annotators are divided"]);
  });

  for (const path of [full, minimal]) {
    it(`several choices, paths of a taxonomy, ratings: ${path.endsWith("min.json") ? "JSON-MIN" : "JSON"}`, async () => {
      const tags = await read(path, { control: "tags" });
      assert.deepEqual(
        tags.rows.map(({ labels }) => labels),
        [["number", "short"], ["number"], ["quote"]],
      );
      const place = await read(path, { control: "place" });
      assert.deepEqual(
        place.rows.map(({ labels }) => labels),
        [["Europe / Paris"], ["Europe", "Europe / Rome"]],
      );
      const quality = await read(path, { control: "quality" });
      assert.deepEqual(
        quality.rows.map(({ label }) => label),
        ["4"],
      );
    });
  }

  it("first takes the first answer, refuse names the first task", async () => {
    const { rows } = await read(full, { annotators: "first" });
    assert.deepEqual(
      rows.map(({ label }) => label),
      ["World", "Sports", "World", "Sci/Tech", "Sci/Tech", "World"],
    );
    assert.match(
      await refusal(full, { annotators: "refuse" }),
      /differ on 2 of 6 .*\(Sports; World; Sports\).*majority or first/,
    );
    assert.match(await refusal(full, { control: "topics" }), /no task has an answer.*did you mean "topic"/);
  });
});

describe("exports of other kinds", () => {
  const choice = (label: string) => ({ from_name: "c", to_name: "t", type: "choices", value: { choices: [label] } });

  it("of before version 1.0, with people as objects; the last word of each counts", async () => {
    const completions = [
      { id: 2, completed_by: { id: 1, email: "a" }, result: [choice("x")] },
      { id: 1, completed_by: { id: 1, email: "a" }, result: [choice("y")] },
      { id: 3, completed_by: { id: 2, email: "b" }, skipped: true, result: [choice("y")] },
    ];
    const { rows } = await read(written([{ id: 1, completions, data: { text: "one", label: "old" } }]));
    assert.deepEqual(rows, [{ text: "one", label: "x" }]);
  });

  it("a tie between two of three labels; half of the people for one of several", async () => {
    const people = (...answers: readonly (readonly string[])[]) =>
      answers.map((choices, i) => ({ id: i, completed_by: i, result: [{ ...choice(""), value: { choices } }] }));
    const tasks = [people(["a"], ["a"], ["b"], ["b"], ["c"]), people(["a"], ["b"], ["a"])];
    const single = await read(written(tasks.map((annotations, id) => ({ id, annotations, data: { text: "t" } }))));
    assert.deepEqual([single.rows.map(({ label }) => label), single.skipped], [["a"], ["1 annotators are divided"]]);
    const sets = [people(["a", "b"], ["a"], ["a", "c"]), people(["a", "b"], ["a"])];
    const several = await read(written(sets.map((annotations, id) => ({ id, annotations, data: { text: "t" } }))));
    assert.deepEqual(
      [several.rows.map(({ labels }) => labels), several.skipped],
      [[["a"]], ["1 annotators are divided"]],
    );
  });

  it("predictions and drafts are no labels, nor are regions of a text", async () => {
    const region = { ...choice("x"), value: { start: 0, end: 3, choices: ["x"] } };
    const task = { id: 1, annotations: [{ id: 1, completed_by: 1, result: [region] }], data: { text: "t" } };
    const predictions = [{ result: [choice("x")] }];
    assert.match(await refusal(written([{ ...task, predictions, drafts: predictions }])), /no task .* has an answer/);
  });

  it("other lists of objects are read as JSON", async () => {
    const { format, rows } = await read(written([{ id: 1, text: "t", annotations: "none" }]));
    assert.deepEqual([format, rows.length], ["json", 1]);
  });

  it("damaged and hostile ones cost what is damaged", async () => {
    const good = { id: 1, annotations: [{ id: 1, completed_by: 1, result: [choice("x")] }], data: { text: "t" } };
    const odd = [{ ...good, data: null }, { ...good, annotations: [null, { result: {} }, 3] }, [], 7, { id: {} }];
    const big = { ...good, data: { text: "x".repeat(5e6) } };
    const texts = [good, ...odd, big].map((task) => JSON.stringify(task));
    const { rows, skipped } = await read(written(`\uFEFF[${texts.join(",\r\n")}, {"id": 9, "annota`));
    assert.deepEqual(
      rows.map(({ text }) => text),
      ["t", undefined],
    );
    assert.equal(skipped.length, 6, skipped.join());
    assert.ok(readFileSync(join(folder, "export.json")).length > 5e6);
  });
});
