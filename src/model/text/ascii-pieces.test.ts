import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../base/random.ts";
import { asciiPieces } from "./ascii-pieces.ts";
import { compilePattern } from "./component.ts";

const sources = {
  "Qwen's": String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  "Llama 3's": String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
};
const parts = [
  ..."abZ019 .,-_'\"(\n\r\t\u007f\u0001é漢²½\u0301\u00a0",
  "  ",
  "'s",
  "'LL",
  "𐐀",
  "😀",
  "word",
  "2024",
  "\n\n",
  "...",
  "\ud800",
];

for (const [name, source] of Object.entries(sources)) {
  test(`pieces are those of the expression: ${name}`, () => {
    const pattern = compilePattern({ type: "Split", pattern: { Regex: source } }, "test");
    const quick = asciiPieces(pattern);
    assert.ok(quick, "the expression is one of those that are known");
    const random = new Random(1, name);
    let answered = 0;
    for (let i = 0; i < 20_000; i++) {
      const text = Array.from({ length: 1 + random.integer(12) }, () => parts[random.integer(parts.length)]).join("");
      for (const { index, 0: piece } of text.matchAll(pattern)) {
        const end = quick(text, index);
        if (end < 0) continue;
        answered++;
        assert.equal(text.slice(index, end), piece, JSON.stringify(text));
      }
    }
    assert.ok(answered > 20_000);
  });
}

test("other expressions are left alone", () => {
  assert.equal(asciiPieces(/\p{N}/gu), undefined);
});
