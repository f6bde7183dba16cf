import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FIXTURE_NAMES, fixtureTokenizer, readFixture } from "../../../tests/helpers/text-fixtures.ts";
import { UserError } from "../../base/errors.ts";
import type { JsonObject } from "../files/json-file.ts";
import { loadTokenizer, Tokenizer } from "./tokenizer.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-tokenizer-"));
after(() => rmSync(folder, { recursive: true }));

for (const name of FIXTURE_NAMES) {
  test(`${name}: ids, offsets and decoded text are those of Hugging Face tokenizers`, () => {
    const tokenizer = fixtureTokenizer(name);
    for (const row of readFixture(name).rows) {
      const { ids, offsets } = tokenizer.encode(row.text);
      assert.deepEqual([...ids], row.ids, row.text);
      assert.deepEqual([...tokenizer.encodeWithSpecial(row.text).ids], row.ids_with_special, row.text);
      assert.equal(tokenizer.decode(row.ids), row.decoded, row.text);
      assert.equal(tokenizer.decode(row.ids, { skipSpecial: true }), row.decoded_plain, row.text);
      // Where characters were composed or lost their marks the reference names a part, here it is the whole cluster.
      const isExact = name === "qwen" ? row.text.normalize("NFC") === row.text : name !== "bert";
      if (isExact) assert.deepEqual([...offsets], row.offsets, row.text);
      for (let i = 0; i < offsets.length; i += 2) {
        assert.ok(offsets[i]! <= row.offsets[i]! && offsets[i + 1]! >= row.offsets[i + 1]!, row.text);
      }
    }
  });
}

test("sections that come again have the tokens that they had at first, wherever they stand", () => {
  for (const name of FIXTURE_NAMES) {
    const { rows } = readFixture(name);
    const used = fixtureTokenizer(name);
    const separator = name === "bert" ? "[SEP]" : name === "starcoder" ? "<|endoftext|>" : "<|im_end|>";
    for (const row of rows) {
      const fresh = fixtureTokenizer(name);
      const texts = [row.text, `${separator}${row.text}${separator}${row.text}`, `${row.text}${separator} x`];
      const expected = texts.map((text) => fresh.encode(text));
      for (let times = 0; times < 3; times++)
        assert.deepEqual(
          texts.map((text) => used.encode(text)),
          expected,
        );
      assert.deepEqual([...used.encode(row.text).ids], row.ids);
    }
  }
});

test("a head that texts have in common has the tokens that it has in each text alone", () => {
  const added = (id: number, content: string, how: JsonObject = {}): JsonObject => ({
    id,
    content,
    special: true,
    ...how,
  });
  const json = {
    model: { type: "BPE", vocab: Object.fromEntries([..."abcxyz <>|-"].map((unit, id) => [unit, id])), merges: [] },
    added_tokens: [
      added(20, "<a>"),
      added(21, "<b>"),
      added(22, "<b>xy"),
      added(23, "<c>", { rstrip: true }),
      added(24, "<x>", { single_word: true }),
      added(25, "<y>", { lstrip: true }),
      added(26, "z<z>z"),
      added(27, "<z>"),
    ],
  };
  const fresh = (text: string): unknown => new Tokenizer(json, {}, "here").encode(text);
  const used = new Tokenizer(json, {}, "here");
  const head = "abc abc abc abc abc abc abc abc abc abc ";
  const tokens = ["<a>", "<b>", "<c>", "<x>", "<y>", "<z>", "z<z>"];
  for (const opening of [head, `<a>${head}<y>`, `<a>${head} z`]) {
    for (const token of tokens) {
      for (const after of ["x", "xy", "  <y>", " b", "z", ""]) {
        for (const text of [`${opening}${token}${after}`, `${opening}${token}${after}<a>xyz`]) {
          assert.deepEqual(used.encode(text), fresh(text), text);
        }
      }
    }
  }
});

test("tokens cover a text that loses nothing, without gaps", () => {
  for (const name of ["qwen", "llama", "starcoder", "gemma"] as const) {
    const tokenizer = fixtureTokenizer(name);
    for (const { text } of readFixture(name).rows) {
      const { offsets } = tokenizer.encode(text);
      let covered = 0;
      for (let i = 0; i < offsets.length; i += 2) {
        assert.ok(offsets[i]! <= covered, `${name}: gap in ${JSON.stringify(text)}`);
        covered = Math.max(covered, offsets[i + 1]!);
      }
      assert.equal(covered, text.length);
    }
  }
});

test("special tokens are known by name, id and role", () => {
  const tokenizer = fixtureTokenizer("qwen");
  const end = tokenizer.tokenId("<|im_end|>");
  assert.equal(tokenizer.eosId, end);
  assert.equal(tokenizer.padId, tokenizer.tokenId("<|endoftext|>"));
  assert.equal(tokenizer.bosId, undefined);
  assert.equal(tokenizer.isSpecial(end!), true);
  assert.equal(tokenizer.isSpecial(tokenizer.tokenId("<think>")!), false);
  assert.equal(tokenizer.isAdded(tokenizer.tokenId("<think>")!), true);
  assert.equal(tokenizer.tokenId("nothing like it"), undefined);
  assert.equal(tokenizer.token(end!), "<|im_end|>");
  assert.equal(tokenizer.vocabSize, 707);
});

test("a lone surrogate is taken as the replacement character", () => {
  const tokenizer = fixtureTokenizer("qwen");
  const { ids, offsets } = tokenizer.encode("a\ud800b");
  assert.equal(tokenizer.decode(ids), "a\ufffdb");
  assert.equal(offsets.at(-1), 3);
});

test("long words take little time and memory, whatever they are made of", () => {
  for (const name of ["qwen", "gemma"] as const) {
    const tokenizer = fixtureTokenizer(name);
    for (const word of ["a", "ab", "é", "한", "\u0301"]) {
      const text = word.repeat(100_000);
      assert.equal(tokenizer.decode(tokenizer.encode(text).ids), text.normalize(name === "qwen" ? "NFC" : undefined));
    }
  }
});

test("damaged and foreign files are refused", () => {
  const good = readFixture("qwen").tokenizer;
  const model = good.model as Record<string, unknown>;
  const cases: readonly (readonly [json: unknown, message: RegExp])[] = [
    [{ ...good, model: undefined }, /"model" must be an object/],
    [{ ...good, model: { ...model, type: "Unigram" } }, /model of type "Unigram" is not supported/],
    [{ ...good, model: { ...model, vocab: [] } }, /"vocab" must be an object/],
    [{ ...good, model: { ...model, vocab: { a: -1 } } }, /token "a" has the id -1/],
    [{ ...good, model: { ...model, vocab: { a: 1e12 } } }, /has the id 1000000000000/],
    [{ ...good, model: { ...model, merges: {} } }, /"merges" must be a list/],
    [{ ...good, model: { ...model, merges: ["a"] } }, /merge 0 must be two tokens/],
    [{ ...good, model: { ...model, merges: [["a", "\u{10ffff}"]] } }, /not in the vocabulary/],
    [{ ...good, model: { ...model, end_of_word_suffix: "</w>" } }, /BPE with end_of_word_suffix/],
    [{ ...good, added_tokens: [{ content: "x" }] }, /added token 0/],
    [{ ...good, added_tokens: [{ content: "x", id: 2 ** 40 }] }, /added token 0/],
    [{ ...good, normalizer: { type: "Precompiled" } }, /normalizer of type "Precompiled"/],
    [{ ...good, normalizer: "NFC" }, /"normalizer" must be null or an object/],
    [{ ...good, pre_tokenizer: { type: "Split", pattern: { Regex: "(" }, behavior: "Isolated" } }, /cannot be used/],
    [{ ...good, pre_tokenizer: { type: "Split", pattern: {}, behavior: "Isolated" } }, /a pattern must be/],
    [{ ...good, pre_tokenizer: { type: "Split", pattern: { String: "a" }, behavior: "x" } }, /unknown behavior/],
    [{ ...good, pre_tokenizer: { type: "UnicodeScripts" } }, /pre-tokenizer of type "UnicodeScripts"/],
    [
      {
        ...good,
        post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "x" } }], special_tokens: {} },
      },
      /without ids/,
    ],
    [{ ...good, decoder: { type: "CTC" } }, /decoder of type "CTC"/],
  ];
  for (const [json, message] of cases) {
    assert.throws(
      () => new Tokenizer(json as never, {}, "tokenizer.json"),
      (error: unknown) => error instanceof UserError && message.test(error.message) && error.where === "tokenizer.json",
      String(message),
    );
  }
});

test("a folder without tokenizer.json, and a file that is cut off, are refused", () => {
  assert.throws(() => loadTokenizer(folder), { code: "tokenizer/missing" });
  const text = JSON.stringify(readFixture("bert").tokenizer);
  for (const length of [0, 1, 100, text.length - 1]) {
    writeFileSync(join(folder, "tokenizer.json"), text.slice(0, length));
    assert.throws(() => loadTokenizer(folder), { code: "files/bad-json" });
  }
  writeFileSync(join(folder, "tokenizer.json"), text);
  assert.ok(loadTokenizer(folder).encode("works").ids.length > 0);
});
