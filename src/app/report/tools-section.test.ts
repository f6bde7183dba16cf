import assert from "node:assert/strict";
import { test } from "node:test";
import { exampleBeside } from "./fixtures/beside-tools.ts";
import { toolsSections } from "./tools-section.ts";
import { renderToolComparison } from "./tools-table.ts";

const plain = (markup: string): string =>
  markup
    .replace(/<svg.*?<\/svg>/gs, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");

test("the page says who is right more often, on all classes and on those that a tool knows", () => {
  const page = toolsSections(exampleBeside(["risk", "other"], ["mine", "shout", "narrow"]));
  const text = plain(page.markup);
  for (const part of [
    // The model has 78 of 80 right; Shout 20 + 30 of 80; Narrow 20 + 40, and all 40 of its class.
    /mine is right more often than shout, by 35\.0 points of accuracy \(95 % interval [\d.]+ to [\d.]+; sign-flip p &lt; 0\.0001, Holm 0\.0\d+\): the difference is real/,
    /On the 1 of 2 classes that narrow has rules for, mine and narrow cannot be told apart: narrow is ahead by 2\.5 points/,
    /mine 28 97\.5 /,
    /narrow 10 75\.0 .*on its 1 of 2 classes 10 100\.0 /,
    /shout 1\.0: rules for 2 of 2 classes; 3 files that it cannot read count as silence\. narrow 1\.0: rules for 1 of 2 classes; 1 rule of its findings is in no class\./,
    /over all 6 tests/,
    /risk, 20 files mine 19 97\.5 /,
    /with thresholds chosen on these very rows, which flatters the model/,
    /risk: only the model is right in 19, only tools in 1/,
    /only mine is right, not shout\. shout R1 in line 43: Do not risk/,
  ]) {
    assert.match(text, part);
  }
  // Around the line that is named, not the long beginning; and two pictures of each class, two sizes each.
  assert.match(page.markup, /40 {2}# comment\n41 {2}# comment\n42 {2}# comment\n<mark>43 {2}USER risk<\/mark>\n/);
  assert.ok(!page.markup.includes("FROM alpine"));
  assert.equal(page.markup.match(/<svg /g)?.length, 6);
});

test("names of labels and tools, and texts of files, never become markup, nor steer a terminal", () => {
  const hostile = '</svg></style><script>alert("x")</script>\u001b[31m';
  const beside = exampleBeside([hostile, "other"], [hostile, "shout", "narrow"]);
  assert.ok(!toolsSections(beside).markup.includes("<script>"));
  assert.ok(!renderToolComparison(beside, false).includes("\u001b"));
});
