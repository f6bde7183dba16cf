import assert from "node:assert/strict";
import { test } from "node:test";
import { toByteCharacters, trainBpe } from "./bpe-trainer.ts";

const words: ReadonlyMap<string, number> = new Map([
  ["low", 5],
  ["lower", 2],
  ["newest", 6],
  ["widest", 3],
  ["wörld", 2],
  ["aaaaa", 3],
]);

test("learns the merges that Hugging Face tokenizers 0.23 learns from the same words", () => {
  const expected =
    "a a,e s,es t,l o,lo w,e w,n ew,new est,d est,i dest,w idest,aa a,aa aaa,e r,l d,r ld,w Ã,¶ rld".split(",");
  const { merges, vocab } = trainBpe(words, 256 + expected.length);
  assert.deepEqual(
    merges.map((pair) => pair.join(" ")),
    expected,
  );
  assert.equal(vocab.size, 256 + expected.length);
  assert.equal(vocab.get("newest"), 256 + expected.indexOf("new est"));
});

test("stops when every word is one token", () => {
  assert.equal(trainBpe(new Map([["ab", 1]]), 1000).vocab.size, 257);
});

test("writes bytes as GPT-2 does", () => {
  assert.equal(toByteCharacters(" é\n\t"), "ĠÃ©Ċĉ");
});
