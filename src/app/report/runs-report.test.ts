import assert from "node:assert/strict";
import { test } from "node:test";
import { exampleRuns } from "./fixtures/runs-data.ts";
import { renderRunsReport } from "./runs-report.ts";

const plain = (page: string): string =>
  page
    .replace(/<style>.*?<\/style>/gs, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");

test("who is best is said first, as far as it can be said", () => {
  const text = plain(renderRunsReport(exampleRuns(["a", "b", "c"], ["yes", "no"])));
  assert.match(
    text,
    /^ Three runs Three runs LoRA fine-tuning of tiny: a, b, c, 2026-01-02 03:04 a leads, but b may be as good a and b cannot be told apart with 60 rows: a is ahead by 3\.3 points of accuracy here/,
  );
  for (const part of [
    "a is better than c by 20.0 points of accuracy",
    // 12 rows for a and none for c: p = 2/2^12, times 3 by Holm.
    "b minus a −3.3",
    "0 : 12",
    "0.0015",
    "training.learning_rate 0.001 0.002 0.003",
    "yes 90.0 90.0 90.0",
  ]) {
    assert.ok(text.includes(part), `missing: ${part}`);
  }
});

test("without a comparison nothing is claimed, and it is said how to make one", () => {
  const text = plain(renderRunsReport({ ...exampleRuns(["a", "b", "c"], ["yes", "no"]), comparison: undefined }));
  assert.match(text, /accuracy of a, the highest, on 100 rows of test\.jsonl/);
  assert.match(text, /Whether it leads by more than luck is not known/);
  assert.match(text, /fettle compare a b c --output comparison\.json/);
});

test("names and labels of users never become markup", () => {
  const hostile = '</svg></style><script>alert("x")</script>\u202e';
  const page = renderRunsReport(exampleRuns([hostile, `${hostile} 2`, "c"], [hostile, "no"]));
  assert.ok(!page.includes("<script>"));
  assert.equal(page.match(/<\/style>/g)?.length, 1);
});
