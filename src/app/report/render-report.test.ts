import assert from "node:assert/strict";
import { test } from "node:test";
import { describeAnswer } from "./answer.ts";
import { evaluationOf, exampleRun } from "./fixtures/report-data.ts";
import { renderReport } from "./render-report.ts";

/** Elements that have no end tag. */
const VOID_ELEMENTS = new Set(["meta", "!doctype"]);

/** Every start tag of a page with its attributes; throws where elements do not nest. */
function tagsOf(page: string): { name: string; attributes: string }[] {
  const open: string[] = [];
  const tags: { name: string; attributes: string }[] = [];
  for (const [, slash, name, attributes, selfClosing] of page.matchAll(/<(\/?)([!\w]+)((?:[^<>"]|"[^"]*")*?)(\/?)>/g)) {
    if (slash === "/") assert.equal(open.pop(), name);
    else {
      tags.push({ name: name!, attributes: attributes! });
      if (selfClosing === "" && !VOID_ELEMENTS.has(name!)) open.push(name!);
    }
  }
  assert.deepEqual(open, []);
  return tags;
}

const plain = (page: string): string =>
  page
    .replace(/<style>.*?<\/style>/gs, "")
    .replace(/<[^>]*>/g, "")
    .replace(/\s+/g, " ");

test("the answer stands before everything else", () => {
  const text = plain(renderReport(exampleRun(["yes", "no"])));
  assert.match(
    text,
    /^ ?A run A run LoRA fine-tuning of tiny on 1,234 rows, 2026-01-02 03:04 30\.0 % → 90\.0 % accuracy on 100 rows/,
  );
  assert.equal(
    describeAnswer(exampleRun(["yes", "no"])).replace(/[\d.]+ to .*$/, "…"),
    "accuracy 30.0\u00a0% → 90.0\u00a0% on 100 rows, 95 % interval …",
  );
});

test("everything that was asked of a run can be read", () => {
  const text = plain(renderReport(exampleRun(["yes", "no"])));
  for (const part of [
    "yes50 46.2 → 90.0+43.8",
    "no50 0.0 → 90.0+90.0",
    "yesno20 510.0 %",
    "Tokens through the model100,00025,000 75.0 %",
    "4.00 TFLOP1.00 TFLOP 75.0 %",
    "1 min 11 s",
    "412 MB",
    "1.19 MB",
    "1,234 of train.jsonl, 2 skipped",
    "ShortestMedianMean95th percentileLongest 1027274344",
    "balance, oversampletrain 1,000 → 1,234 no 383",
    "Brier score",
    "precisionbf16the CPU has amx_bf16",
    "a row labelled yes, predicted no with 87.5 %",
    "gradients were clipped in every step",
    "fettle train recipe.yaml --set seed=7",
    "ab".repeat(32),
  ]) {
    assert.ok(text.includes(part), `missing: ${part}`);
  }
});

test("the page is well-formed, asks nothing of the network and runs no script", () => {
  const page = renderReport(exampleRun(["yes", "no"]));
  const tags = tagsOf(page);
  const names = new Set(tags.map(({ name }) => name));
  for (const forbidden of ["script", "link", "img", "iframe", "image", "use", "object"])
    assert.ok(!names.has(forbidden));
  for (const { attributes } of tags) assert.doesNotMatch(attributes, /\s(on\w+|src|href|xlink:href)=/i);
  assert.doesNotMatch(page, /@import|url\((?!#)/);
  const addresses = page.match(/https?:\/\/[^"\s]+/g)!.filter((address) => !address.startsWith("http://www.w3.org/"));
  assert.deepEqual(addresses, []);
});

test("every picture says what it shows", () => {
  const pictures = tagsOf(renderReport(exampleRun(["yes", "no"]))).filter(({ name }) => name === "svg");
  // F1, loss, lengths and labels for wide and narrow screens; two confusion matrices; ROC, precision and recall, reliability.
  assert.equal(pictures.length, 13);
  for (const { attributes } of pictures) assert.match(attributes, /role="img" aria-label="[^"]{30,}"/);
});

test("no text of a user becomes markup", () => {
  const hostile = `</svg></style><script src="//evil">'&`;
  const data = exampleRun([hostile, "no"]);
  const everywhere = JSON.parse(JSON.stringify(data), (_key, value: unknown) =>
    typeof value === "string" && value !== "no" ? hostile : value,
  ) as typeof data;
  const escaped = renderReport(everywhere);
  const names = new Set(tagsOf(escaped).map(({ name }) => name));
  assert.ok(!names.has("script"));
  assert.ok(!escaped.includes("</svg></style>"));
  assert.equal(escaped.match(/<\/style>/g)?.length, 1);
});

test("a run without labels reports its losses", () => {
  const { evaluation: _, ...data } = exampleRun(["yes", "no"]);
  tagsOf(renderReport(data));
  assert.equal(describeAnswer(data), "validation loss 2.50 → 1.25 after 4 steps");
});

test("more classes than a picture can hold are listed, not drawn", () => {
  const labels = Array.from({ length: 60 }, (_, c) => `class ${c}`);
  const matrix = labels.map((_, target) => labels.map((_, predicted) => (predicted === (target * 7) % 60 ? 2 : 0)));
  const data = exampleRun(["yes", "no"]);
  const evaluation = { name: "many", tuned: evaluationOf(labels, matrix), mistakes: [] };
  const page = renderReport({ ...data, evaluation });
  const pictures = tagsOf(page).flatMap(({ attributes }) => /aria-label="(\w+)/.exec(attributes)?.[1] ?? []);
  assert.ok(!pictures.includes("Confusion") && !pictures.includes("F1"));
  assert.ok(plain(page).includes("60 classes are too many for a picture."));
});
