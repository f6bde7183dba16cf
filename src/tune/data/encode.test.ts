import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { UserError } from "../../base/errors.ts";
import type { RunEvent } from "../../base/events.ts";
import { packageRoot } from "../../base/package-root.ts";
import { parseRecipe } from "../../base/recipe/load.ts";
import { JobThread } from "../../base/threads/job-thread.ts";
import { ChatTemplate, loadChatTemplate, type Message } from "../../model/text/chat-template.ts";
import { renderSupervised } from "../../model/text/spans.ts";
import { loadTokenizer, type Tokenizer } from "../../model/text/tokenizer.ts";
import { batchOf } from "./batch-rows.ts";
import { ConversationEncoder } from "./conversation-encoder.ts";
import { Dataset } from "./dataset.ts";
import { encodeDataset } from "./encode.ts";
import { type EncodedBatch, type EncodeSetup, encodeJob, encodeTaskOf } from "./encode-job.ts";
import type { EncodeOptions } from "./encode-row.ts";
import { originOf } from "./encoder-origin.ts";
import type { Row } from "./example.ts";
import { Labels } from "./labels.ts";
import { Problems } from "./problems.ts";
import { promptOf } from "./prompt.ts";
import { detectShape } from "./shape.ts";
import type { RowBatch } from "./store/row-batch.ts";
import { RowStore } from "./store/row-store.ts";
import { answering } from "./task.ts";

const nano = join(packageRoot, "models/fettle-nano");
const tokenizer: Tokenizer = loadTokenizer(nano);
const template: ChatTemplate = loadChatTemplate(nano);
const variant = (source: string): ChatTemplate => new ChatTemplate(source, "variant", {}, new Date(0));
const options = { kwargs: {}, lossOn: "assistant" } as const;

const excerpt = readFileSync(join(packageRoot, "examples/ag-news/test.jsonl"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as { text: string; label: string });

function conversation(text: string, answer: string): readonly Message[] {
  return [
    { role: "system", content: "Classify the news." },
    { role: "user", content: text },
    { role: "assistant", content: answer },
  ];
}

describe("ConversationEncoder", () => {
  const turn = "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}";
  const prompt = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
  const templates: readonly (readonly [name: string, template: ChatTemplate])[] = [
    ["fettle-nano's template", template],
    [
      "a template that trims",
      variant(`{% for message in messages %}${turn.replace("content", "content|trim")}{% endfor %}${prompt}`),
    ],
    [
      "a template that thinks before the last answer",
      variant(
        `{% for message in messages %}{% if loop.last and message.role == 'assistant' %}` +
          `{{ '<|im_start|>assistant\\n<think>\\n\\n</think>\\n\\n' + message.content + '<|im_end|>\\n' }}` +
          `{% else %}${turn}{% endif %}{% endfor %}${prompt}`,
      ),
    ],
    [
      "a template without end of turn",
      variant(
        `{% for message in messages %}{{ message.role + ': ' + message.content + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}`,
      ),
    ],
  ];
  const odd = [
    "",
    " ",
    " padded ",
    "assistant",
    "<|im_end|>",
    "</think>x",
    '{"category":"World"}',
    "日本語 \u{1F600}",
    "a\n",
  ];
  for (const [name, one] of templates) {
    it(`gives what renderSupervised gives: ${name}`, () => {
      const encoder = new ConversationEncoder(one, tokenizer, options);
      const rows = excerpt.slice(0, 60).map(({ text, label }) => conversation(text, label));
      const strange = odd.flatMap((text) => odd.map((answer) => conversation(text, answer)));
      const long: readonly Message[] = [...conversation("q", "a"), ...conversation("q", "a").slice(1)];
      const short = conversation("q", "a").slice(1);
      for (const messages of [...rows, ...strange, long, short, ...rows.slice(0, 5)]) {
        const expected = renderSupervised(one, tokenizer, messages, options);
        const { ids, supervised } = encoder.encode(messages);
        assert.deepEqual(
          { ids, supervised },
          { ids: expected.ids, supervised: expected.supervised },
          JSON.stringify(messages),
        );
      }
    });
  }

  it("learns all of a plain text and its end", () => {
    const { ids, supervised } = new ConversationEncoder(undefined, tokenizer, options).encodeText("Some text.");
    assert.equal(tokenizer.decode(ids), "Some text.<|im_end|>");
    assert.ok(supervised.every((bit) => bit === 1));
  });

  it("without a template takes no conversations", () => {
    const encoder = new ConversationEncoder(undefined, tokenizer, options);
    assert.throws(() => encoder.encode(conversation("a", "b")), /no chat template/);
  });
});

/** The excerpt as a set, with a few texts replaced. */
function newsSet(texts: readonly string[]): Dataset {
  const { template: section } = parseRecipe(
    'base: m\ntemplate: {system: Classify., user: "News: {text} End.", assistant: \'{"category":"{label}"}\'}',
    "r.yaml",
    { purpose: "evaluate" },
  ).recipe;
  const shape = detectShape({
    fields: new Set(["text", "label"]),
    lists: new Set(),
    template: section,
    columns: {},
    task: answering,
    labelExpected: false,
    where: "test",
  });
  const labels = Labels.declared(["World", "Sports", "Business", "Sci/Tech"]);
  const rows: Row[] = texts.map((text, i) => ({ file: "news.jsonl", line: i + 1, label: i % 4, values: { text } }));
  return new Dataset("train", shape, labels, RowStore.of(rows), new Problems());
}

const cut: EncodeOptions = { maxLength: 64, tooLong: "cut", cutField: "auto" };
const encoder = new ConversationEncoder(template, tokenizer, options);

async function encoded(
  set: Dataset,
  how: EncodeOptions,
): Promise<{
  texts: readonly string[];
  lengths: readonly number[];
  notes: readonly string[];
  rows: readonly number[];
}> {
  const events: RunEvent[] = [];
  const result = await encodeDataset(set, encoder, how, (event) => events.push(event));
  const all = Array.from({ length: result.length }, (_, i) => result.example(i));
  assert.equal(
    result.tokens,
    all.reduce((sum, { ids }) => sum + ids.length, 0),
  );
  for (const { ids, supervised } of all) {
    const learnt = tokenizer.decode(ids.filter((_, i) => supervised[i] === 1));
    assert.match(learnt, /^\{"category":"(World|Sports|Business|Sci\/Tech)"\}<\|im_end\|>$/);
  }
  return {
    texts: all.map(({ ids }) => tokenizer.decode(ids)),
    lengths: all.map(({ ids }) => ids.length),
    notes: events.flatMap((event) => (event.kind === "note" ? [event.message] : [])),
    rows: all.map((_, i) => result.row(i)),
  };
}

describe("examples longer than max_length", () => {
  const long = `The start stays. ${excerpt.map(({ text }) => text).join(" ")}`;
  const set = newsSet(["short", long, "also short", `${"\u{1F600}".repeat(300)}`, "日本語の長い文".repeat(80)]);

  it("are cut at the end of their document, and nowhere else", async () => {
    const { texts, lengths, notes } = await encoded(set, cut);
    assert.equal(texts.length, 5);
    assert.ok(
      lengths.every((length) => length <= 64),
      lengths.join(),
    );
    assert.ok(lengths[1]! >= 60, "cut more than needed");
    assert.match(
      texts[1]!,
      /user\nNews: The start stays\. .* End\.<\|im_end\|>\n<\|im_start\|>assistant\n\{"category":"Sports"\}/s,
    );
    assert.ok(
      texts.every((text) => !text.includes("\uFFFD")),
      "no character is cut in two",
    );
    assert.deepEqual(notes.length, 1);
    assert.match(notes[0]!, /^train: 3 rows changed: longer than 64 tokens, cut in the document, first news.jsonl:2/);
  });

  it("are skipped or refused when the recipe says so", async () => {
    const { rows, notes } = await encoded(set, { ...cut, tooLong: "skip" });
    assert.deepEqual(rows, [0, 2]);
    assert.match(notes[0]!, /3 rows skipped: longer than 64 tokens/);
    const refused = encodeDataset(set, encoder, { ...cut, tooLong: "refuse" }, () => {});
    await assert.rejects(refused, (error) => error instanceof UserError && error.where === "news.jsonl:2");
  });

  it("are skipped when all but the document is too long already", async () => {
    await assert.rejects(
      encoded(newsSet([long]), { ...cut, maxLength: 20 }),
      /no example of the train set fits.*even without/,
    );
  });

  it("are not read to their end when they are absurdly long", async () => {
    const absurd = newsSet([`${"x".repeat(4e6)}`, " ".repeat(4e6), "日本".repeat(2e6)]);
    const { lengths, notes } = await encoded(absurd, cut);
    assert.ok(lengths.length === 3 && lengths.every((length) => length <= 64));
    assert.match(notes[0]!, /3 rows changed.*\(40000\d\d characters\)/);
  });

  it("have no other field to cut than the user's", async () => {
    await assert.rejects(encoded(set, { ...cut, cutField: "label" }), /no field of the user's message/);
    await assert.rejects(encoded(set, { ...cut, cutField: "txt" }), /no field of the user's message/);
    assert.equal((await encoded(set, { ...cut, cutField: "text" })).texts.length, 5);
  });

  it("leave room for the longest answer when they are scored", () => {
    const prompt = promptOf(set, 1, set.answers(1), encoder, cut)!;
    assert.ok(prompt.cut);
    const lengths = set.answers(1).map((answer) => prompt.encode(answer).ids.length);
    assert.ok(Math.max(...lengths) <= 64 && Math.max(...lengths) >= 58, lengths.join());
    assert.equal(prompt.messages.at(-1)?.role, "user");
    assert.equal(promptOf(set, 0, set.answers(0), encoder, cut)?.cut, false);
  });
});

describe("conversations that the template refuses", () => {
  it("are skipped and counted", async () => {
    const strict = variant(
      "{% for message in messages %}{% if 'bad' in message.content %}{{ raise_exception('bad word') }}{% endif %}" +
        "{{ message.role + ': ' + message.content + '<|im_end|>' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}",
    );
    const events: RunEvent[] = [];
    const set = newsSet(["good", "bad", "good"]);
    const result = await encodeDataset(set, new ConversationEncoder(strict, tokenizer, options), cut, (event) =>
      events.push(event),
    );
    assert.equal(result.length, 2);
    assert.match(result.problems[0]!.examples[0]!.detail, /bad word/);
    assert.equal(result.row(1), 2);
  });
});

it("other threads encode as this one does, and name the same row", async () => {
  const long = "word ".repeat(300);
  const set = newsSet(Array.from({ length: 60 }, (_, i) => (i % 7 === 3 ? `${i} ${long}` : `Stocks fell by ${i} %.`)));
  for (const tooLong of ["cut", "skip", "refuse"] as const) {
    const task = encodeTaskOf(set, { maxLength: 120, tooLong, cutField: "auto" });
    const here = encodeJob(task, encoder);
    const setup: EncodeSetup = { task, encoder: originOf(encoder)! };
    const thread = new JobThread<EncodeSetup, RowBatch, EncodedBatch>(
      new URL("./encode-job.js", import.meta.url),
      setup,
    );
    try {
      const batch = (): RowBatch => batchOf(set, 0, set.length);
      const there = (): Promise<EncodedBatch> => thread.run(batch());
      if (tooLong === "refuse") {
        await assert.rejects(there, { code: "data/too-long", where: "news.jsonl:4" });
        assert.throws(() => here(batch()), { code: "data/too-long", where: "news.jsonl:4" });
      } else {
        const encoded = here(batch());
        assert.equal(encoded.problems[0]!.count, 9);
        assert.deepEqual(await there(), encoded);
      }
    } finally {
      await thread.end();
    }
  }
});
