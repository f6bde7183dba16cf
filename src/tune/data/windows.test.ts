import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { packageRoot } from "../../base/package-root.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import { halvesOf, lineStarts, type TextWindow, windowsOf } from "./windows.ts";

const tokenizer = loadTokenizer(join(packageRoot, "models/fettle-nano"));
const tokens = (text: string): number => tokenizer.encode(text).ids.length;
const numbered = (count: number): string =>
  Array.from({ length: count }, (_, i) => `RUN echo line ${i + 1}\n`).join("");

/** Every line of the text is in a window, and windows go forward. */
function assertCovers(text: string, windows: readonly TextWindow[]): void {
  const count = lineStarts(text).length - 1;
  let covered = 0;
  for (const { startLine, endLine } of windows) {
    assert.ok(startLine <= covered + 1, `a gap before line ${startLine}`);
    assert.ok(endLine >= startLine && endLine >= covered);
    covered = endLine;
  }
  assert.equal(covered, count);
}

describe("windows of a text", () => {
  test("are whole lines that fit, overlap, and leave nothing out", () => {
    const text = numbered(200);
    const windows = windowsOf(text, tokenizer, 100);
    assertCovers(text, windows);
    const lines = text.split("\n");
    windows.forEach(({ text: own, startLine, endLine }, i) => {
      assert.equal(own, `${lines.slice(startLine - 1, endLine).join("\n")}\n`);
      assert.ok(tokens(own) <= 100);
      const next = windows[i + 1];
      if (next === undefined) return;
      assert.ok(next.startLine > startLine && next.startLine <= endLine, "the next one overlaps");
      const shared = lines.slice(next.startLine - 1, endLine).join("\n");
      assert.ok(tokens(shared) <= 26, `they share ${tokens(shared)} tokens`);
    });
  });

  test("a text that fits is one window", () => {
    assert.deepEqual(windowsOf("FROM a\nRUN b", tokenizer, 100), [{ text: "FROM a\nRUN b", startLine: 1, endLine: 2 }]);
  });

  test("a line longer than a window is cut at tokens, with overlap, between lines that are not", () => {
    const long = Array.from({ length: 300 }, (_, i) => `word${i}`).join(" ");
    const text = `FROM a\n${long}\nRUN b\n`;
    const windows = windowsOf(text, tokenizer, 64);
    assertCovers(text, windows);
    const parts = windows.filter(({ startLine, endLine }) => startLine === 2 && endLine === 2);
    assert.ok(parts.length > 300 / 64);
    for (const { text: own } of windows) assert.ok(tokens(own) <= 64 + 2, `${tokens(own)}`);
    for (let i = 0; i < 300; i++)
      assert.ok(
        parts.some(({ text: own }) => own.includes(`word${i}`)),
        `word${i}`,
      );
    assert.deepEqual([windows[0]!.text, windows.at(-1)!.text], ["FROM a\n", "RUN b\n"]);
  });

  test("half of a surrogate pair is nowhere", () => {
    for (const { text } of windowsOf("🦄".repeat(500), tokenizer, 33)) assert.doesNotMatch(text, /\p{Cs}/u);
    for (const half of halvesOf({ text: "🦄🦄🦄", startLine: 4, endLine: 4 })!)
      assert.doesNotMatch(half.text, /\p{Cs}/u);
  });

  test("a window that does not fit after all is halved, by lines and then by characters", () => {
    assert.deepEqual(halvesOf({ text: "a\nb\nc\n", startLine: 7, endLine: 9 }), [
      { text: "a\n", startLine: 7, endLine: 7 },
      { text: "b\nc\n", startLine: 8, endLine: 9 },
    ]);
    assert.deepEqual(halvesOf({ text: "abcd", startLine: 7, endLine: 7 }), [
      { text: "ab", startLine: 7, endLine: 7 },
      { text: "cd", startLine: 7, endLine: 7 },
    ]);
    assert.equal(halvesOf({ text: "a", startLine: 1, endLine: 1 }), undefined);
  });
});
