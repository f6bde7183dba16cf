import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { UserError } from "../../base/errors.ts";
import type { RunEvent } from "../../base/events.ts";
import { parseRecipe } from "../../base/recipe/load.ts";
import type { Dataset } from "./dataset.ts";
import { type DatasetOptions, loadDataset } from "./load-dataset.ts";
import { splitDataset } from "./prepare/split.ts";

const folder = mkdtempSync(join(tmpdir(), "dataset-"));
after(() => rmSync(folder, { recursive: true }));

interface Loaded {
  readonly dataset: Dataset;
  readonly events: readonly RunEvent[];
}

/** A set from the text of its file and the recipe's `data` and `template` sections (YAML). */
async function load(content: string | Uint8Array, sections = "", more: Partial<DatasetOptions> = {}): Promise<Loaded> {
  const path = join(folder, "rows");
  writeFileSync(path, content);
  const { recipe } = parseRecipe(`base: m\n${sections}`, join(folder, "r.yaml"), { purpose: "evaluate" });
  const events: RunEvent[] = [];
  const options = { name: "train", data: recipe.data, template: recipe.template, ...more };
  const dataset = await loadDataset([path], options, (event) => events.push(event));
  return { dataset, events };
}

async function refusal(content: string | Uint8Array, sections = ""): Promise<string> {
  let said = "";
  await assert.rejects(load(content, sections), (error) => {
    assert.ok(error instanceof UserError, String(error));
    said = error.describe();
    return true;
  });
  return said;
}

function jsonl(...rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** The messages of the first example as `role: content`, or its text. */
function first(dataset: Dataset): readonly string[] | string {
  const example = dataset.example(0);
  return example.kind === "text" ? example.text : example.messages.map(({ role, content }) => `${role}: ${content}`);
}

const news = '"3","Fed","rates up"\n"1","Vote","it is {title}"\n"4","Probe","landed"\n';
const newsSections = `data:
  columns: {label: 0, title: 1, text: 2}
  labels: {1: World, 2: Sports, 3: Business, 4: Sci/Tech}
template:
  system: Classify into {World, Sports}.
  user: "{title}: {text}"
  assistant: '{"category":"{label}"}'
`;

describe("AG News as it comes", () => {
  it("becomes conversations by the recipe's template", async () => {
    const { dataset } = await load(news, newsSections);
    assert.deepEqual(first(dataset), [
      "system: Classify into {World, Sports}.",
      "user: Fed: rates up",
      'assistant: {"category":"Business"}',
    ]);
    assert.deepEqual(dataset.labels?.names, ["World", "Sports", "Business", "Sci/Tech"]);
    assert.equal(dataset.label(0), 2);
    assert.deepEqual(dataset.answers(1).slice(0, 2), ['{"category":"World"}', '{"category":"Sports"}']);
    assert.equal(dataset.where(2), `${join(folder, "rows")}:3`);
  });

  it("does not look for placeholders in what the rows say", async () => {
    const { dataset } = await load(news, newsSections);
    const example = dataset.example(1);
    assert.equal(example.kind === "conversation" && example.messages[1]?.content, "Vote: it is {title}");
  });

  it("keeps unlabelled rows only when they are to be predicted", async () => {
    const { dataset } = await load('"","Fed","rates up"\n"1","a","b"\n', newsSections, { answerOptional: true });
    assert.deepEqual(first(dataset), ["system: Classify into {World, Sports}.", "user: Fed: rates up"]);
    assert.equal(dataset.label(0), undefined);
    assert.equal(dataset.answers(0)[0], '{"category":"World"}');
    assert.equal((await load('"","Fed","rates up"\n"1","a","b"\n', newsSections)).dataset.length, 1);
  });
});

describe("shapes", () => {
  const cases: readonly (readonly [
    name: string,
    row: unknown,
    sections: string,
    expected: readonly string[] | string,
  ])[] = [
    [
      "messages",
      {
        messages: [
          { role: "user", content: "q" },
          { role: "assistant", content: "a" },
        ],
      },
      "",
      ["user: q", "assistant: a"],
    ],
    [
      "messages under another name, with a system message added",
      {
        turns: [
          { role: "user", content: "q" },
          { role: "assistant", content: [{ type: "text", text: "a" }] },
        ],
      },
      "data: {columns: {messages: turns}}\ntemplate: {system: S}",
      ["system: S", "user: q", "assistant: a"],
    ],
    [
      "ShareGPT",
      {
        conversations: [
          { from: "system", value: "s" },
          { from: "human", value: "q" },
          { from: "gpt", value: "a" },
        ],
      },
      "",
      ["system: s", "user: q", "assistant: a"],
    ],
    ["prompt and completion", { prompt: "q", completion: "a" }, "", ["user: q", "assistant: a"]],
    [
      "prompt and completion as messages",
      { prompt: [{ role: "user", content: "q" }], completion: [{ role: "assistant", content: "a" }] },
      "",
      ["user: q", "assistant: a"],
    ],
    [
      "instruction, input and output",
      { instruction: "i", input: "x", output: "a" },
      "",
      ["user: i\n\nx", "assistant: a"],
    ],
    ["instruction without input", { instruction: "i", input: "", output: "a" }, "", ["user: i", "assistant: a"]],
    ["instruction and response", { instruction: "i", response: "a", category: "c" }, "", ["user: i", "assistant: a"]],
    ["text and label", { text: "t", label: 1 }, "data: {labels: {0: no, 1: yes}}", ["user: t", "assistant: yes"]],
    [
      "content and category, with an answer of our own",
      { content: "t", category: "x" },
      'data: {labels: [x, y]}\ntemplate: {assistant: \'{"c":"{label}"}\'}',
      ["user: t", 'assistant: {"c":"x"}'],
    ],
    ["question and answer", { question: "q", answer: "a" }, "", ["user: q", "assistant: a"]],
    [
      "question and answer over a context",
      { context: "c", question: "q", answer: "a" },
      "",
      ["user: c\n\nq", "assistant: a"],
    ],
    [
      "instruction, response and category, with labels declared",
      { instruction: "i", response: "r", category: "SWC-107" },
      "data: {labels: [SWC-107, SWC-110]}",
      ["user: i", "assistant: SWC-107"],
    ],
    ["text alone", { text: "t" }, "", "t"],
    ["text by template", { title: "t", body: "b", label: 1 }, 'template: {text: "{title}\\n{body}"}', "t\nb"],
  ];
  for (const [name, row, sections, expected] of cases) {
    it(name, async () => assert.deepEqual(first((await load(jsonl(row), sections)).dataset), expected));
  }

  it("say how they were found", async () => {
    const { events } = await load(jsonl({ text: "t", label: "a" }, { text: "t", label: "b" }));
    const choices = events
      .filter((event) => event.kind === "choice")
      .map(({ name, value, reason }) => [name, value, reason]);
    assert.deepEqual(choices.slice(1), [
      ["shape of train", "template", "rows have text and label: text <- text, label <- label"],
      ["labels", "a, b", "the values of label in train"],
    ]);
  });

  it("say which column becomes what", async () => {
    const reasonOf = async (rows: string, sections = ""): Promise<string> => {
      const { events } = await load(rows, sections);
      const shape = events.find((event) => event.kind === "choice" && event.name === "shape of train");
      return shape?.kind === "choice" ? shape.reason : "";
    };
    const code = { code: "c", target: 0 };
    assert.match(
      await reasonOf(jsonl(code, { ...code, target: 1 })),
      /code and target: text <- code, label <- target$/,
    );
    const mapped = jsonl({ func: "c", cwe: "a" }, { func: "c", cwe: "b" });
    assert.match(await reasonOf(mapped, "data: {columns: {text: func, label: cwe}}"), /text <- func, label <- cwe$/);
    const instruction = { instruction: "i", input: "", response: "r", category: "SWC-107" };
    const unused = /prompt <- instruction \+ input, answer <- response; category is not used, unless data.labels/;
    assert.match(await reasonOf(jsonl(instruction)), unused);
    assert.match(await reasonOf(jsonl({ conversations: [{ from: "gpt", value: "a" }] })), /messages <- conversations$/);
  });

  it("are refused where a column that is named is not there", async () => {
    const rows = jsonl({ text: "t", category: "a" }, { text: "t", category: "b" });
    const says = /label is to be the column "catgory", which the rows do not have.*did you mean "category"/;
    assert.match(await refusal(rows, "data: {columns: {label: catgory}}"), says);
    assert.match(await refusal("a,1\nb,2\n", "data: {columns: {text: 0, label: 2}}"), /"2".*there are: 0, 1/);
  });

  it("that nobody knows are refused with the names there are", async () => {
    assert.match(await refusal(jsonl({ foo: 1, bar: 2 })), /the rows have foo, bar, which is no known shape/);
    assert.match(await refusal(jsonl({ text: "a", label: 1 }), 'template: {user: "{txet}"}'), /did you mean \{text\}/);
    assert.match(
      await refusal(jsonl({ text: "a", label: 1 }), "template: {user: hello}"),
      /every row would read "hello"/,
    );
    assert.match(
      await refusal(jsonl({ question: "a" }), 'template: {user: "{question}"}'),
      /no field holds the answer/,
    );
    assert.match(
      await refusal(jsonl({ prompt: "a", completion: "b" }), "data: {labels: [b, c]}"),
      /no field of the rows holds one/,
    );
  });
});

describe("labels", () => {
  it("are collected in natural order when they are not declared", async () => {
    const { dataset } = await load(jsonl(...["10", "2", "1", "2"].map((label) => ({ text: "t", label }))));
    assert.deepEqual(dataset.labels?.names, ["1", "2", "10"]);
    assert.deepEqual(
      [0, 1, 2, 3].map((i) => dataset.label(i)),
      [2, 1, 0, 1],
    );
  });

  it("of the training set hold for the other sets", async () => {
    const train = (await load(jsonl({ text: "t", label: "a" }, { text: "t", label: "b" }))).dataset;
    const rows = jsonl({ text: "t", label: "b" }, { text: "t", label: "c" });
    const test = (await load(rows, "", { name: "test", labels: train.labels })).dataset;
    assert.equal(test.length, 1);
    assert.equal(test.label(0), 1);
    assert.equal(test.problems[0]?.reason, "a label that is not in the list");
  });

  it("are found in conversations by the answer they would have", async () => {
    const talk = (answer: string): unknown => ({
      messages: [
        { role: "user", content: "q" },
        { role: "assistant", content: answer },
      ],
    });
    const sections = 'data: {labels: [x, y]}\ntemplate: {assistant: \'{"c":"{label}"}\'}';
    const { dataset } = await load(jsonl(talk('{"c":"y"}'), talk("z")), sections);
    assert.equal(dataset.length, 1);
    assert.equal(dataset.label(0), 1);
  });

  it("that are all unknown, all the same, or far too many are an error", async () => {
    const rows = jsonl(...["spam", "ham"].map((label) => ({ text: "t", label })));
    assert.match(
      await refusal(rows, "data: {labels: [Spam, Ham]}"),
      /no usable row.*2 rows skipped.*did you mean "Spam"/,
    );
    assert.match(await refusal(jsonl({ text: "t", label: 1 })), /the same label, "1"/);
    const many = Array.from({ length: 1001 }, (_, i) => ({ text: "t", label: `${i}` }));
    assert.match(await refusal(jsonl(...many)), /1001 different labels/);
  });
});

describe("rows that cannot be used", () => {
  it("are skipped, counted and told", async () => {
    const rows = [
      { text: "good", label: "a" },
      { text: " ", label: "a" },
      { label: "a" },
      { text: { nested: 1 }, label: "a" },
      { text: "t", label: "" },
      { text: "t", label: "c" },
    ];
    const { dataset, events } = await load(`${jsonl(...rows)}{"text": "cut`, "data: {labels: [a, b]}");
    assert.equal(dataset.length, 1);
    assert.equal(dataset.skipped, 6);
    assert.deepEqual(dataset.problems.map(({ count, reason }) => `${count} ${reason}`).toSorted(), [
      "1 a label that is not in the list",
      "1 no label",
      "1 the file ends within this row",
      "1 the text is empty",
      "2 the field text is missing or is not text",
    ]);
    const notes = events.flatMap((event) => (event.kind === "note" ? [event.message] : []));
    assert.ok(
      notes.some((note) => /^train: 2 rows skipped: the field text is missing.*rows:3$/.test(note)),
      notes.join("\n"),
    );
  });

  const talks: readonly (readonly [unknown, RegExp])[] = [
    [{ messages: [] }, /no messages/],
    [{ messages: [{ role: "user", content: "q" }] }, /does not end with an assistant's message/],
    [{ messages: [{ role: "wizard", content: "q" }] }, /has no role, or one that is none of/],
    [{ messages: [{ role: "user", content: 3 }] }, /no text content/],
    [{ messages: ["q"] }, /not an object/],
  ];
  for (const [row, expected] of talks) {
    it(`such as ${JSON.stringify(row)}`, async () => assert.match(await refusal(jsonl(row)), expected));
  }

  it("after the limit are not read", async () => {
    const { dataset } = await load(`${jsonl({ text: "1" }, { text: "2" }, { text: "3" })}broken`, "data: {limit: 2}");
    assert.equal(dataset.length, 2);
    assert.equal(dataset.skipped, 0);
  });

  it("behind the end of a cut gzip file are an error that says what was read", async () => {
    const rows = Array.from({ length: 20000 }, (_, i) => ({ text: `row ${i} ${(i * 2654435761) % 1000}` }));
    const packed = gzipSync(jsonl(...rows));
    assert.match(
      await refusal(packed.subarray(0, packed.length - 100)),
      /ends too early.*last whole row began on line \d{4,}/,
    );
  });
});

describe("the stratified split", () => {
  const labels = [...new Array(90).fill("a"), ...new Array(9).fill("b"), "c"] as string[];
  const rows = jsonl(...labels.map((label, i) => ({ text: `${i}`, label })));
  const split = (dataset: Dataset, seed: number): { rest: Dataset; part: Dataset } => {
    const asked = [{ name: "validation", fraction: 0.1 }];
    const { rest, parts } = splitDataset(dataset, asked, { seed, groupFields: [] }, () => {});
    return { rest, part: parts[0]! };
  };

  it("keeps each label's share, every row once, in file order, by the seed alone", async () => {
    const { dataset } = await load(rows);
    const { rest, part } = split(dataset, 42);
    const count = (set: Dataset, label: number): number => [...set.rows()].filter((row) => row.label === label).length;
    assert.deepEqual(
      [0, 1, 2].map((label) => count(part, label)),
      [9, 1, 0],
    );
    assert.deepEqual(
      [0, 1, 2].map((label) => count(rest, label)),
      [81, 8, 1],
    );
    const lines = (set: Dataset): readonly number[] => Array.from(set.rows(), ({ line }) => line);
    assert.deepEqual(
      [...lines(rest), ...lines(part)].toSorted((a, b) => a - b),
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    assert.deepEqual(
      lines(part),
      lines(part).toSorted((a, b) => a - b),
    );
    assert.deepEqual(lines(split(dataset, 42).part), lines(part));
    assert.notDeepEqual(lines(split(dataset, 43).part), lines(part));
  });
});
