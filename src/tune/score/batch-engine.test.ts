import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { UserError } from "../../base/errors.ts";
import { packageRoot } from "../../base/package-root.ts";
import type { Device } from "../../engine/device/device.ts";
import { pageBytes } from "../../engine/nn/paged-cache.ts";
import { openDevice } from "../../engine/open-device.ts";
import { linear } from "../../engine/ops/linear/linear.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { toFloats } from "../../engine/tensor/tensor.ts";
import { type Model, openModel } from "../../model/families/model.ts";
import { loadTokenizer, type Tokenizer } from "../../model/text/tokenizer.ts";
import { BatchEngine } from "./batch-engine.ts";
import type { GeneratedToken, GenerationRequest } from "./generation-request.ts";

const vocabulary = 256;
const prompt = Int32Array.from({ length: 17 }, (_, i) => (i * 37 + 5) % vocabulary);

/** The most probable token after a text, the whole text computed anew. */
function nextWithoutCache({ decoder }: Model, tokens: Int32Array): number {
  const sequence = {
    tokens,
    positions: Int32Array.from(tokens, (_, i) => i),
    expiry: new Int32Array(tokens.length).fill(tokens.length),
  };
  const logits = scope(() => toFloats(linear(decoder.hidden(sequence), decoder.head))).slice(-vocabulary);
  return logits.indexOf(Math.max(...logits));
}

async function collect(tokens: AsyncIterable<GeneratedToken>): Promise<GeneratedToken[]> {
  const list: GeneratedToken[] = [];
  for await (const token of tokens) list.push(token);
  return list;
}

for (const name of ["reference", "cpu"] as const) {
  describe(`the batch engine on ${name}`, () => {
    let device: Device;
    let model: Model;
    let tokenizer: Tokenizer;
    let engine: BatchEngine;
    before(async () => {
      ({ device } = await openDevice({ device: name, precision: "f32" }));
      model = openModel(join(packageRoot, "tests/fixtures/parity/qwen3/model"), device, { format: { kind: "f32" } });
      // Of a larger vocabulary, whose first ids are single bytes.
      tokenizer = loadTokenizer(join(packageRoot, "models/fettle-nano"));
      engine = new BatchEngine(model, tokenizer);
    });
    after(async () => {
      await engine.close();
      model[Symbol.dispose]();
      device.close();
    });

    async function run(options: Omit<GenerationRequest, "prompt">): Promise<GeneratedToken[]> {
      return collect(engine.generate({ prompt, ...options }));
    }
    const ids = (tokens: readonly GeneratedToken[]): number[] => tokens.map(({ tokenId }) => tokenId);
    const text = (tokens: readonly GeneratedToken[]): string => tokens.map((token) => token.text).join("");

    test("greedy tokens over the cache are those of computing everything anew", async () => {
      const tokens = ids(await run({ maxNewTokens: 24 }));
      let whole = prompt;
      for (const token of tokens) {
        assert.equal(token, nextWithoutCache(model, whole));
        whole = Int32Array.of(...whole, token);
      }
      assert.equal(tokens.length, 24);
    });

    test("nothing stays on the device, also when the reader stops early", async () => {
      await run({ maxNewTokens: 4 });
      const { live } = device.memory();
      for await (const _ of engine.generate({ prompt, maxNewTokens: 4 })) break;
      await engine.drain();
      assert.equal(device.memory().live, live);
    });

    test("pieces of text add up to the text of all tokens", async () => {
      const tokens = await run({ maxNewTokens: 40, temperature: 2, seed: 3 });
      assert.equal(text(tokens), tokenizer.decode(ids(tokens)));
      assert.equal(tokens.at(-1)!.finish, "length");
    });

    test("a seed gives the same text again, another seed another", async () => {
      const options = { maxNewTokens: 16, temperature: 1, topP: 0.95 };
      const first = ids(await run({ ...options, seed: 1 }));
      assert.deepEqual(ids(await run({ ...options, seed: 1 })), first);
      assert.notDeepEqual(ids(await run({ ...options, seed: 2 })), first);
    });

    test("a stop token ends the text and is not in it", async () => {
      const all = await run({ maxNewTokens: 20 });
      const stop = ids(all)[7]!;
      const at = ids(all).indexOf(stop);
      const stopped = await run({ maxNewTokens: 20, stopTokens: [stop] });
      assert.deepEqual(ids(stopped), ids(all).slice(0, at + 1));
      assert.equal(stopped.at(-1)!.finish, "stop");
      assert.equal(text(stopped), tokenizer.decode(ids(all).slice(0, at)));
    });

    test("a stop string ends the text before it, wherever tokens divide it", async () => {
      const all = text(await run({ maxNewTokens: 20 }));
      const stop = all.slice(5, 8);
      const stopped = await run({ maxNewTokens: 20, stopStrings: ["never in there", stop] });
      assert.equal(text(stopped), all.slice(0, all.indexOf(stop)));
      assert.equal(stopped.at(-1)!.finish, "stop");
    });

    /** Prompts of many lengths, half of which share a beginning of 33 tokens. */
    const requests: readonly GenerationRequest[] = Array.from({ length: name === "cpu" ? 23 : 7 }, (_, i) => {
      const own = Int32Array.from({ length: 1 + ((i * 7) % 31) }, (_, j) => (i * 53 + j * 11) % vocabulary);
      const shared = i % 2 === 0 ? Int32Array.from({ length: 33 }, (_, j) => (j * 29) % vocabulary) : new Int32Array(0);
      return {
        prompt: Int32Array.of(...shared, ...own),
        maxNewTokens: 1 + ((i * 5) % 17),
        temperature: i % 3 === 0 ? 0 : 0.8,
        topP: i % 5 === 0 ? 0.9 : 1,
        topK: i % 7 === 0 ? 10 : 0,
        seed: i,
        topLogProbabilities: 3,
      };
    });

    test("many at once get what each gets alone, to the bit, also with few pages", async () => {
      await using alone = new BatchEngine(model, tokenizer, { maxRunning: 2 });
      const expected: GeneratedToken[][] = [];
      for (const request of requests) expected.push(await collect(alone.generate(request)));
      const together = await Promise.all(requests.map((request) => collect(engine.generate(request))));
      assert.deepEqual(together, expected);

      const { layers, kvHeads, headDim } = model.decoder.config;
      const cacheBytes = 7 * pageBytes(device, layers, kvHeads * headDim);
      await using cramped = new BatchEngine(model, tokenizer, { maxTokens: 20, cacheBytes });
      const crampedResults = await Promise.all(requests.map((request) => collect(cramped.generate(request))));
      assert.deepEqual(crampedResults, expected);
      assert.ok(cramped.stats().preemptions > 0);
      assert.ok(cramped.stats().cachedTokens > 0);
      assert.equal(cramped.stats().pagesUsed, 0);
    });

    test("the end of the context ends the text; a prompt that fills it is refused", async () => {
      const context = model.decoder.config.maxPositions;
      const long = Int32Array.from({ length: context - 2 }, (_, i) => i % vocabulary);
      const tokens = await collect(engine.generate({ prompt: long, maxNewTokens: 50 }));
      assert.equal(tokens.length, 2);
      const full = Int32Array.from({ length: context }, (_, i) => i % vocabulary);
      assert.throws(
        () => engine.generate({ prompt: full, maxNewTokens: 1 }),
        (error) => error instanceof UserError && error.code === "generate/prompt-too-long",
      );
    });
  });
}
