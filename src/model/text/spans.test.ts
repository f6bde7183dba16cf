import assert from "node:assert/strict";
import { test } from "node:test";
import { type FixtureName, fixtureTemplate, readFixture } from "../../../tests/helpers/text-fixtures.ts";
import { UserError } from "../../base/errors.ts";
import { ChatTemplate, type Message } from "./chat-template.ts";
import { renderPrompt, renderSupervised, type SupervisedOptions } from "./spans.ts";
import { Tokenizer } from "./tokenizer.ts";

const turn = (role: string, content: string): Message => ({ role, content });
const ask = turn("user", "hi");
const answer = turn("assistant", "yo");

function setup(name: FixtureName, template: string): { tokenizer: Tokenizer; template: ChatTemplate } {
  const { tokenizer, config } = readFixture(name);
  return { tokenizer: new Tokenizer(tokenizer, config, name), template: fixtureTemplate(template, config) };
}

/** The rendered text with what is learnt in 〔…〕. */
function marked(
  { tokenizer, template }: { tokenizer: Tokenizer; template: ChatTemplate },
  messages: readonly Message[],
  options?: SupervisedOptions,
): string {
  const { text, ids, supervised } = renderSupervised(template, tokenizer, messages, options);
  const { ids: again, offsets } = tokenizer.encode(text);
  assert.deepEqual(ids, again);
  let result = "";
  let done = 0;
  let inside = false;
  for (let i = 0; i < ids.length; i++) {
    if ((supervised[i] === 1) === inside) continue;
    result += text.slice(done, offsets[2 * i]) + (inside ? "〕" : "〔");
    done = offsets[2 * i]!;
    inside = !inside;
  }
  return result + text.slice(done) + (inside ? "〕" : "");
}

const qwen25 = setup("qwen", "qwen2.5");
const qwen3 = setup("qwen", "qwen3");
const llama = setup("llama", "llama-dated");
const gemma = setup("gemma", "gemma-turns");
const plain = setup("starcoder", "starcoder-plain");

test("an answer is learnt through the token that ends its turn, without the line break after it", () => {
  assert.equal(
    marked(qwen25, [turn("system", "S"), ask, answer]),
    "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n〔yo<|im_end|>〕\n",
  );
  assert.equal(
    marked(gemma, [ask, turn("assistant", "  yo\n ")]),
    "<bos><start_of_turn>user\nhi<end_of_turn>\n<start_of_turn>model\n〔yo<end_of_turn>〕\n",
  );
  assert.equal(marked(gemma, [ask, turn("model", "yo")]), marked(gemma, [ask, answer]));
});

test("every assistant turn is learnt", () => {
  assert.equal(
    marked(llama, [ask, answer, ask, turn("assistant", " so ")], { kwargs: { date_string: "D" } }),
    "<|begin_of_text|><|im_start|>system\n\nToday: D\n\n<|im_end|><|im_start|>user\n\nhi<|im_end|>" +
      "<|im_start|>assistant\n\n〔yo<|im_end|>〕<|im_start|>user\n\nhi<|im_end|><|im_start|>assistant\n\n〔so<|im_end|>〕",
  );
});

test("Qwen3's empty thoughts belong to the answer unless the prompt already holds them", () => {
  assert.equal(
    marked(qwen3, [ask, answer, ask, answer]),
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n〔yo<|im_end|>〕\n" +
      "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n〔<think>\n\n</think>\n\nyo<|im_end|>〕\n",
  );
  // The first answer is printed without the block that the prompt ends with, so it begins at its content.
  assert.equal(
    marked(qwen3, [ask, answer, ask, answer], { kwargs: { enable_thinking: false } }),
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n〔yo<|im_end|>〕\n" +
      "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n〔yo<|im_end|>〕\n",
  );
  assert.equal(
    marked(qwen3, [ask, turn("assistant", "<think>\nhm\n</think>\n\nyo")]),
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n〔<think>\nhm\n</think>\n\nyo<|im_end|>〕\n",
  );
});

test("content that looks like markers changes nothing", () => {
  const tricky = "a<|im_end|>\n<|im_start|>assistant\nb<|im_end|>";
  assert.equal(
    marked(qwen25, [turn("system", tricky), turn("user", tricky), turn("assistant", tricky), ask, answer]),
    `<|im_start|>system\n${tricky}<|im_end|>\n<|im_start|>user\n${tricky}<|im_end|>\n<|im_start|>assistant\n` +
      `〔${tricky}<|im_end|>〕\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n〔yo<|im_end|>〕\n`,
  );
  assert.match(
    marked(qwen25, [ask, turn("assistant", tricky)]),
    /assistant\n〔a<\|im_end\|>.*b<\|im_end\|><\|im_end\|>〕\n$/s,
  );
  assert.match(marked(qwen25, [ask, turn("assistant", "")]), /<\|im_start\|>assistant\n〔<\|im_end\|>〕\n$/);
  assert.match(
    marked(qwen25, [turn("user", "yo"), answer]),
    /user\nyo<\|im_end\|>\n<\|im_start\|>assistant\n〔yo<\|im_end\|>〕/,
  );
});

test("tool calls are part of the answer", () => {
  const call = { ...turn("assistant", ""), tool_calls: [{ function: { name: "f", arguments: { x: 1 } } }] };
  assert.match(
    marked(qwen25, [ask, call, turn("tool", "r"), answer]),
    /assistant〔?\n〔?<tool_call>\n\{"name": "f", "arguments": \{"x": 1\}\}\n<\/tool_call><\|im_end\|>〕\n<\|im_start\|>user\n<tool_response>\nr\n<\/tool_response><\|im_end\|>\n<\|im_start\|>assistant\n〔yo<\|im_end\|>〕\n$/,
  );
});

test("a template without an end-of-turn token: the answer ends with its turn", () => {
  assert.equal(
    marked(plain, [ask, answer, ask, answer]),
    "Question: hi\nAnswer:〔 yo\n〕Question: hi\nAnswer:〔 yo\n〕",
  );
});

test("loss on all tokens", () => {
  const { supervised } = renderSupervised(qwen25.template, qwen25.tokenizer, [ask], { lossOn: "all" });
  assert.ok(supervised.every((flag) => flag === 1));
});

test("prompts are what training text begins with", () => {
  for (const { tokenizer, template } of [qwen25, qwen3, llama, gemma]) {
    const { ids } = renderPrompt(template, tokenizer, [ask]);
    const training = renderSupervised(template, tokenizer, [ask, answer]);
    assert.deepEqual(training.ids.slice(0, ids.length), ids);
    assert.equal(training.supervised.indexOf(1), ids.length);
  }
});

test("nothing to learn, and a template that hides the answer, are errors", () => {
  assert.throws(() => marked(qwen25, [ask]), { code: "chat/nothing-to-learn" });
  assert.throws(() => marked(gemma, [turn("system", "s"), ask, answer]), UserError);
  const silent = new ChatTemplate(
    "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}",
    "t",
    {},
    new Date(),
  );
  assert.throws(() => marked({ ...qwen25, template: silent }, [ask, answer]), UserError);
});
