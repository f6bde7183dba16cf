import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { packageRoot } from "../../base/package-root.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import { StopStrings } from "./stop-strings.ts";
import { TextStream } from "./text-stream.ts";

const tokenizer = loadTokenizer(join(packageRoot, "models/fettle-nano"));

function stream(ids: Iterable<number>): string[] {
  const text = new TextStream(tokenizer);
  return [...Array.from(ids, (id) => text.push(id)), text.end()];
}

describe("text of tokens as they come", () => {
  test("characters of several tokens appear whole", () => {
    const text = "Größe: 5 µm, 日本 🧵 und 👩‍🚀 fertig";
    const { ids } = tokenizer.encode(text);
    assert.ok(ids.length > [...text].length / 2);
    const pieces = stream(ids);
    assert.equal(pieces.join(""), text);
    for (const piece of pieces) assert.doesNotMatch(piece, /\ufffd|[\ud800-\udfff]/u);
  });

  test("a character that never ends is told at the end", () => {
    const { ids } = tokenizer.encode("ok 🧵");
    assert.equal(stream(ids.subarray(0, -1)).join(""), tokenizer.decode(ids.subarray(0, -1)));
  });

  test("special tokens are not text", () => {
    assert.equal(stream(tokenizer.encode("a<|im_end|>b").ids).join(""), "ab");
  });
});

describe("stop strings", () => {
  test("what may begin one is held back until it is clear", () => {
    const stops = new StopStrings(["</s>"]);
    assert.deepEqual(stops.push("a<"), { text: "a", stopped: false });
    assert.deepEqual(stops.push("/"), { text: "", stopped: false });
    assert.deepEqual(stops.push("b</"), { text: "</b", stopped: false });
    assert.deepEqual(stops.end("s"), { text: "</s", stopped: false });
  });

  test("the earliest of several ends the text", () => {
    assert.deepEqual(new StopStrings(["END", "\n"]).push("x END\n"), { text: "x ", stopped: true });
    assert.deepEqual(new StopStrings(["END", "\n"]).push("x\n END"), { text: "x", stopped: true });
  });
});
