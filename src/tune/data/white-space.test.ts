import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../base/errors.ts";
import { parseRecipe } from "../../base/recipe/load.ts";
import type { Row } from "./example.ts";
import { keepRow } from "./keep-row.ts";
import { Problems } from "./problems.ts";
import { detectShape } from "./shape.ts";
import { answering } from "./task.ts";

/** A row as it is kept under a template, and how many rows were changed. */
function kept(fields: Record<string, unknown>, template: string): { readonly row: Row; readonly problems: Problems } {
  const { recipe } = parseRecipe(`base: m\ntemplate: ${template}`, "r.yaml", { purpose: "evaluate" });
  const lists = new Set(Object.keys(fields).filter((name) => Array.isArray(fields[name])));
  const hints = { fields: new Set(Object.keys(fields)), lists, columns: {}, task: answering, labelExpected: false };
  const shape = detectShape({ ...hints, template: recipe.template, where: "rows" });
  const problems = new Problems();
  const rules = { shape, columns: {}, labels: undefined, task: answering, answerOptional: false };
  return { row: keepRow({ line: 1, fields }, "rows", rules, problems)!, problems };
}

const code = { code: "int f( ) {\n\treturn\u00a01;\n}\n", path: "a  b", answer: "no  harm" };
const asked = 'user: "{path}: {code}", assistant: "{answer}"';

test("white space is kept, collapsed or deleted in what is asked, never in the answer, and counted", () => {
  assert.deepEqual(kept(code, `{${asked}}`).row.values, code);
  const { row, problems } = kept(code, `{${asked}, whitespace: collapse}`);
  assert.deepEqual(row.values, { code: "int f( ) { return 1; }", path: "a b", answer: "no  harm" });
  assert.deepEqual(
    problems.groups().map(({ count, skipped, asked: wanted }) => [count, skipped, wanted]),
    [[1, false, true]],
  );
  assert.deepEqual(problems.lines(), []);
  const deleted = kept(code, `{${asked}, whitespace: delete, whitespace_fields: [code]}`);
  assert.deepEqual(deleted.row.values, { code: "intf(){return1;}", path: "a  b", answer: "no  harm" });
  assert.equal(kept({ ...code, code: "x", path: "y" }, `{${asked}, whitespace: collapse}`).problems.groups().length, 0);
});

test("of messages, those of the user are tidied", () => {
  const messages = [
    { role: "system", content: "Be  kind." },
    { role: "user", content: " a\n\nb " },
    { role: "assistant", content: "c  d" },
  ];
  const { row } = kept({ messages }, "{whitespace: collapse}");
  assert.deepEqual(
    row.messages!.map(({ content }) => content),
    ["Be  kind.", "a b", "c  d"],
  );
});

test("fields that are not there are refused with the nearest name", () => {
  const refused = (template: string, fields: Record<string, unknown> = code): string => {
    try {
      kept(fields, template);
    } catch (error) {
      if (error instanceof UserError) return error.describe();
    }
    return "";
  };
  assert.match(refused(`{${asked}, whitespace: delete, whitespace_fields: [cde]}`), /did you mean "code"/);
  assert.match(refused(`{${asked}, whitespace: delete, whitespace_fields: [answer]}`), /there are: path, code/);
  const messages = [{ role: "assistant", content: "c" }];
  assert.match(refused("{whitespace: delete, whitespace_fields: [code]}", { messages }), /rows hold messages/);
});
