import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Template } from "@huggingface/jinja";
import { messageOf } from "../../base/errors.ts";
import { packageRoot } from "../../base/package-root.ts";
import { ChatTemplate, type Message, type RenderOptions } from "./chat-template.ts";
import { contentUse } from "./content-use.ts";
import { ownFunctions, useOwnFunctions } from "./template-functions.ts";
import { TemplateOutline } from "./template-outline.ts";

const variables = { bos_token: "<s>", eos_token: "</s>" };

/** Contents that templates look at, and others that they might. */
const contents = [
  ...["fine", "two words", "", " ", " left", "right ", "\n", "end\n", "0", "user", "system", "a".repeat(600), "ü€𐐀"],
  ...["<think>\nso\n</think>\n\nthen", "</think>", "<tool_response>x</tool_response>", "<tool_response>", "x{{ y }}"],
  ...["\ue0000\ue001", "\ue000", '"quoted"', "a\u00a0", "\ufeffa", "Today", "<s>", "secret", "fine"],
];
const roles = [
  ["user"],
  ["user", "assistant"],
  ["system", "user", "assistant"],
  ["user", "assistant", "user", "assistant"],
];

/** Compares what is rendered after many conversations with what is when each is the first with its variables. */
function compare(source: string): void {
  const template = new ChatTemplate(source, "t", variables, new Date(2026, 0, 1));
  const render = (messages: readonly Message[], options: RenderOptions): string => {
    try {
      return template.render(messages, options);
    } catch (error) {
      return messageOf(error);
    }
  };
  for (const order of roles) {
    for (let i = 0; i < 3 * contents.length; i++) {
      const messages = order.map((role, m) => ({ role, content: contents[(i * (m + 1) + m * 7) % contents.length]! }));
      for (const addGenerationPrompt of [false, true]) {
        const first = render(messages, { addGenerationPrompt, kwargs: {} });
        assert.equal(render(messages, { addGenerationPrompt }), first, JSON.stringify(messages));
      }
    }
  }
}

/** Whether the text around the contents of a conversation is known without running the template. */
function isKnown(source: string): boolean {
  const [template, marking] = [new Template(source), new Template(source)];
  for (const one of [template, marking]) useOwnFunctions(one);
  const use = contentUse(marking.parsed);
  const render = (which: Template) => (messages: readonly Message[]) =>
    which.render({ ...variables, ...ownFunctions(new Date(2026, 0, 1)), messages });
  const messages = ["user", "assistant"].map((role) => ({ role, content: "fine" }));
  try {
    return use !== undefined && TemplateOutline.find(use, messages, render(marking), render(template)) !== undefined;
  } catch {
    return false;
  }
}

describe("what templates print around contents", () => {
  const folder = join(packageRoot, "tests/fixtures/tokenizers/templates");
  const files = ["qwen2.5", "qwen3", "gemma-turns", "llama-dated", "starcoder-plain"].map((name) =>
    join(folder, `${name}.jinja`),
  );
  for (const file of [...files, join(packageRoot, "models/fettle-nano/chat_template.jinja")]) {
    test(`${file.slice(packageRoot.length)} is known after two conversations, and renders as before`, () => {
      const source = readFileSync(file, "utf8");
      assert.ok(isKnown(source));
      compare(source);
    });
  }

  const loop = (body: string): string => `{% for m in messages %}[{{ m.role }}]${body}{% endfor %}`;
  const harmless: Readonly<Record<string, string>> = {
    macro: `{% macro show(text, end) %}{% if text is string %}{{ text | trim }}{{ end }}{% endif %}{% endmacro %}${loop("{{ show(m.content, '!') }}")}`,
    parts: loop(
      "{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endif %}",
    ),
    collected: `{% set ns = namespace(all='') %}${loop("{% set ns.all = ns.all + m['content'] %}")}{{ ns.all }}`,
    compared: loop("{% if m.content in ['fine', 'user'] or m.content == 'secret' %}?{% endif %}{{ m.content }}"),
    stripped: loop("{{ ('<' + m.content + '>').strip('<f') }}"),
    "a part not come past": loop(
      "{% if m.role == 'tool' %}{{ m.content | tojson }}{% else %}{{ m.content }}{% endif %}",
    ),
    without: "{{ messages | length }}{{ (messages | last).role }}",
  };
  for (const [name, source] of Object.entries(harmless)) {
    test(`questions that texts can be checked for: ${name}`, () => {
      assert.ok(isKnown(source));
      compare(source);
    });
  }

  const strange: Readonly<Record<string, string>> = {
    length: loop("{{ m.content | length }}"),
    "a length compared": loop("{% if m.content|length > 5 %}{{ m.content }}{% endif %}"),
    "in JSON": loop("{{ m.content | tojson }}"),
    "a whole message": loop("{{ m | tojson }}"),
    characters: loop("{{ m.content[0] }}{{ m.content[1:3] }}"),
    "upper case": loop("{{ m.content.upper() }}{{ m.content | upper }}"),
    "two contents compared": loop("{% if m.content == messages[0].content %}same{% endif %}{{ m.content }}"),
    "the loop's neighbour": loop(
      "{% if loop.previtem is defined and loop.previtem.content > 'g' %}{{ m.content }}{% endif %}",
    ),
    "a name looked at later": loop("{% set x = m.content + '' %}{% if 'fine' in x %}yes{% endif %}{{ x }}"),
    "a list printed": loop("{{ m.content.split('x') }}"),
    "members by name": loop("{% for key in m %}{{ m[key] }}{% endfor %}"),
    "items of a message": loop("{% for k, v in m.items() %}{{ v | length }}{% endfor %}"),
    "a macro that looks": `{% macro look(x) %}{{ x | length }}{% endmacro %}${loop("{{ look(m.content) }}")}`,
    "a number of it": loop("{{ m.content | int }}"),
    "a member by a name found out later": `{% set ns = namespace() %}{% set key = 'x' %}${loop("{% set ns.x = m.content %}{{ ns[key] | length }}")}`,
    "a parameter's default": `{% macro look(x=messages[0].content) %}{{ x | length }}{% endmacro %}{{ look() }}`,
    "text or list": loop(
      "{% set x = m.content %}{% if m.role == 'user' %}{% set x = [1, 2] %}{% endif %}{% for p in x %}{{ m.content | length }}{% endfor %}",
    ),
    replaced: loop("{{ m.content | replace('f', 'g') }}"),
  };
  for (const [name, source] of Object.entries(strange)) {
    test(`left to the template: ${name}`, () => {
      assert.ok(!isKnown(source));
      compare(source);
    });
  }
});
