import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { UserError } from "../../base/errors.ts";
import { packageRoot } from "../../base/package-root.ts";
import { ChatTemplate, loadChatTemplate } from "../../model/text/chat-template.ts";
import { renderPrompt, renderSupervised } from "../../model/text/spans.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import type { EncodedExample } from "../data/pack.ts";
import { LabelEncoder } from "./label-encoder.ts";

const folder = join(packageRoot, "models/fettle-nano");
const tokenizer = loadTokenizer(folder);
const chatml = loadChatTemplate(folder);
const labels = ["World", "Sports", "Business", "Sci/Tech", "Sport"];
const texts = readFileSync(join(packageRoot, "examples/ag-news/test.jsonl"), "utf8")
  .split("\n", 40)
  .map((line) => (JSON.parse(line) as { text: string }).text);

/** A template whose answers follow the document without an added token between them. */
const bare = new ChatTemplate(
  "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST] " +
    "{% else %}{{ m.content }}<|im_end|>{% endif %}{% endfor %}",
  "bare",
  {},
  new Date(0),
);

class Counting {
  calls = 0;
  readonly template: ChatTemplate;

  constructor(template: ChatTemplate) {
    this.template = template;
  }

  encode(text: string, answer: string): EncodedExample {
    this.calls++;
    return renderSupervised(this.template, tokenizer, [
      { role: "user", content: `Topic?\n${text}` },
      { role: "assistant", content: answer },
    ]);
  }
}

for (const [name, template] of Object.entries({ chatml, bare })) {
  describe(`candidates under ${name}`, () => {
    test("are the tokens of the whole conversation with each label", () => {
      const encoder = new LabelEncoder(tokenizer);
      const rows = new Counting(template);
      for (const text of texts) {
        const candidates = encoder.candidates(labels, (answer) => rows.encode(text, answer));
        const prompt = renderPrompt(template, tokenizer, [{ role: "user", content: `Topic?\n${text}` }]);
        for (const [i, { ids, begin }] of candidates.entries()) {
          const whole = tokenizer.encode(`${prompt.text}${labels[i]}<|im_end|>`).ids;
          assert.deepEqual(ids, whole);
          assert.equal(tokenizer.decode(ids.subarray(begin)).trim(), `${labels[i]}<|im_end|>`);
        }
      }
      const each = texts.length * labels.length;
      if (name === "chatml") assert.ok(rows.calls < each / 2, `${rows.calls} of ${each}`);
      else assert.equal(rows.calls, each);
    });
  });
}

test("rows that end alike but disagree on other labels are never spliced", () => {
  const encoder = new LabelEncoder(tokenizer);
  for (let row = 0; row < 30; row++) {
    const encode = (answer: string): EncodedExample => {
      const tail = answer === "A" ? "A" : `${answer}${row % 2 === 0 ? "!" : "?"}`;
      const { ids } = tokenizer.encode(`${row}<|im_start|>${tail}<|im_end|>`);
      const supervised = Uint8Array.from(ids, (_, i) =>
        i >= ids.length - tokenizer.encode(tail).ids.length - 1 ? 1 : 0,
      );
      return { ids, supervised };
    };
    const [, candidate] = encoder.candidates(["A", "B"], encode);
    assert.deepEqual(candidate!.ids, encode("B").ids);
  }
});

test("labels that are the same tokens are refused by name", () => {
  const rows = new Counting(chatml);
  assert.throws(
    () => new LabelEncoder(tokenizer).candidates(["Å", "Sports", "A\u030a"], (answer) => rows.encode("x", answer)),
    (error) => error instanceof UserError && error.code === "score/equal-labels",
  );
});
