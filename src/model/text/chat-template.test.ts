import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FIXTURE_NAMES, fixtureTemplate, readFixture } from "../../../tests/helpers/text-fixtures.ts";
import { UserError } from "../../base/errors.ts";
import { ChatTemplate, loadChatTemplate } from "./chat-template.ts";
import { strftime } from "./strftime.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-chat-"));
after(() => rmSync(folder, { recursive: true }));
const user = [{ role: "user", content: "u" }];

for (const name of FIXTURE_NAMES) {
  const { chats, config } = readFixture(name);
  for (const [template, rendered] of Object.entries(chats)) {
    test(`${template}: renders as transformers does`, () => {
      const chat = fixtureTemplate(template, config);
      for (const { messages, kwargs, text, error } of rendered) {
        const { add_generation_prompt, ...rest } = kwargs;
        const render = (): string =>
          chat.render(messages, { addGenerationPrompt: add_generation_prompt === true, kwargs: rest });
        if (error === undefined) assert.equal(render(), text);
        else assert.throws(render, (thrown: unknown) => thrown instanceof UserError && thrown.message.includes(error));
      }
    });
  }
}

test("the template's file wins over the configuration, whose list has a default", () => {
  const configure = (chat_template: unknown): void =>
    writeFileSync(
      join(folder, "tokenizer_config.json"),
      JSON.stringify({ chat_template, eos_token: { content: "</s>" } }),
    );
  configure(undefined);
  assert.throws(() => loadChatTemplate(folder), { code: "chat/no-template", fix: /chat_template.jinja/ });
  configure("{{ messages[0].content }}{{ eos_token }}");
  const template = loadChatTemplate(folder);
  assert.equal(template.render(user), "u</s>");
  assert.equal(template.hash, createHash("sha256").update("{{ messages[0].content }}{{ eos_token }}").digest("hex"));
  configure([
    { name: "tool_use", template: "no" },
    { name: "default", template: "list" },
  ]);
  assert.equal(loadChatTemplate(folder).render(user), "list");
  writeFileSync(join(folder, "chat_template.jinja"), "file");
  assert.equal(loadChatTemplate(folder).render(user), "file");
});

test("mistakes name the template, and the line where it is known", () => {
  const of = (source: string): ChatTemplate => new ChatTemplate(source, "t.jinja", {}, new Date());
  assert.throws(() => of("{% if x %}"), {
    code: "chat/template",
    message: /cannot be parsed: it ends inside an open block/,
  });
  assert.throws(() => of("{{ 'a }}"), /cannot be parsed/);
  assert.throws(() => of("{% nonsense %}"), /cannot be parsed: Unknown statement type: nonsense/);
  assert.throws(() => of("a\nb\n{{ raise_exception('no tools') }}").render(user), {
    where: "t.jinja line 3",
    message: /no tools/,
  });
});

test("strip methods take Python's argument", () => {
  const chat = new ChatTemplate(
    "{{ x.strip() }}|{{ x.lstrip('\\n') }}|{{ x.rstrip(' \\n') }}|{{ x.strip('\\n').lstrip() }}|{{ x.split('b')[0].rstrip() }}",
    "t",
    {},
    new Date(),
  );
  assert.equal(chat.render([], { kwargs: { x: "\n a b \n" } }), "a b|" + " a b \n|" + "\n a b|" + "a b |" + "\n a");
});

test("the date is that of the run, in English, and templates that print it are known", () => {
  const now = new Date(2026, 10, 1, 13, 5, 9);
  const chat = new ChatTemplate('{{ strftime_now("%d %b %Y") }}', "t", {}, now);
  assert.equal(chat.render([]), "01 Nov 2026");
  assert.equal(chat.usesDate, true);
  assert.equal(new ChatTemplate("x", "t", {}, now).usesDate, false);
  assert.equal(
    strftime(now, "%A %a %B %y %m %H:%M:%S %I %p 100%% %q"),
    "Sunday Sun November 26 11 13:05:09 01 PM 100% %q",
  );
});
