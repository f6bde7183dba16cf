/** What requests to one engine do to each other: nothing but wait. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { UserError } from "../../base/errors.ts";
import { packageRoot } from "../../base/package-root.ts";
import { Random } from "../../base/random.ts";
import type { Device } from "../../engine/device/device.ts";
import { openDevice } from "../../engine/open-device.ts";
import { AdapterSet } from "../../model/families/adapter-set.ts";
import { type Model, openModel } from "../../model/families/model.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import { BatchEngine } from "./batch-engine.ts";
import type { ConstraintSpec, GenerationRequest } from "./generation-request.ts";
import { LabelScorer } from "./label-scorer.ts";
import type { Candidate } from "./label-trie.ts";

const vocabulary = 256;
const fixture = join(packageRoot, "tests/fixtures/parity/qwen3");
// Of a larger vocabulary, whose first ids are single bytes.
const tokenizer = loadTokenizer(join(packageRoot, "models/fettle-nano"));

function promptOf(random: Random, length: number): Int32Array {
  return Int32Array.from({ length }, () => random.integer(vocabulary));
}

async function textOf(engine: BatchEngine, request: GenerationRequest): Promise<{ text: string; ids: number[] }> {
  let text = "";
  const ids: number[] = [];
  for await (const token of engine.generate(request)) {
    text += token.text;
    ids.push(token.tokenId);
  }
  return { text, ids };
}

/** Examples with three answers of one or two tokens. */
function examples(seed: number, count: number): Candidate[][] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const prompt = [...promptOf(random, 4 + random.integer(20))];
    return [[11], [11, 12], [20, 21]].map((answer) => ({
      ids: Int32Array.from([...prompt, ...answer, 2]),
      begin: prompt.length,
    }));
  });
}

describe("requests to a batch engine", () => {
  let device: Device;
  let model: Model;
  before(async () => {
    ({ device } = await openDevice({ device: "cpu", precision: "f32" }));
    model = openModel(join(fixture, "model"), device, { format: { kind: "f32" } });
  });
  after(() => {
    model[Symbol.dispose]();
    device.close();
  });

  test("constraints hold for each text of a batch, and its log-probabilities are the model's own", async () => {
    await using engine = new BatchEngine(model, tokenizer);
    const random = new Random(1);
    const labels = ["yes", "no", "not sure"];
    const schema = {
      type: "object",
      properties: { ok: { type: "boolean" }, n: { enum: [1, 2] } },
      required: ["ok", "n"],
    };
    const specs: readonly ConstraintSpec[] = [
      { kind: "labels", labels },
      { kind: "json-schema", schema },
    ];
    await Promise.all(
      Array.from({ length: 24 }, async (_, i) => {
        const constraint = i % 3 === 2 ? undefined : specs[i % 3]!;
        const prompt = promptOf(random, 5 + i);
        const { text } = await textOf(engine, { prompt, maxNewTokens: 40, temperature: 1.5, seed: i, constraint });
        if (i % 3 === 0) assert.ok(labels.includes(text), text);
        if (i % 3 !== 1) return;
        const value = JSON.parse(text) as { ok: boolean; n: number };
        assert.ok(typeof value.ok === "boolean" && [1, 2].includes(value.n), text);
      }),
    );
    const prompt = promptOf(random, 9);
    const free = await engine.generate({ prompt, maxNewTokens: 1, topLogProbabilities: 20 }).next();
    const only = free.value!.top[7]!.tokenId;
    const bound = { kind: "labels", labels: [tokenizer.decode([only])] } as const;
    const first = await engine.generate({ prompt, maxNewTokens: 1, constraint: bound }).next();
    assert.deepEqual([first.value!.tokenId, first.value!.logProbability], [only, free.value!.top[7]!.logProbability]);
  });

  test("a thousand requests that are given up leave nothing behind", async () => {
    const { live } = device.memory();
    const engine = new BatchEngine(model, tokenizer, { maxRunning: 16, maxTokens: 200 });
    await textOf(engine, { prompt: Int32Array.of(1, 2, 3), maxNewTokens: 2 });
    const withCache = device.memory().live;
    const random = new Random(2);
    const outcomes = { finished: 0, aborted: 0, left: 0 };
    const one = async (): Promise<void> => {
      const leaving = new AbortController();
      const prompt = promptOf(random, 1 + random.integer(40));
      const request = { prompt, maxNewTokens: 1 + random.integer(12), signal: leaving.signal };
      const patience = random.integer(12);
      const way = random.integer(3);
      if (way === 0) void turn().then(() => leaving.abort(new Error("gone")));
      let read = 0;
      try {
        for await (const _ of engine.generate(request)) {
          if (++read <= patience || way === 0) continue;
          if (way === 1) leaving.abort(new Error("gone"));
          else {
            outcomes.left++;
            return;
          }
        }
        outcomes.finished++;
      } catch (error) {
        assert.equal((error as Error).message, "gone");
        outcomes.aborted++;
      }
    };
    for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 50 }, one));
    await engine.drain();
    assert.ok(Math.min(...Object.values(outcomes)) > 50, JSON.stringify(outcomes));
    const { running, waiting, pagesUsed } = engine.stats();
    assert.deepEqual({ running, waiting, pagesUsed }, { running: 0, waiting: 0, pagesUsed: 0 });
    assert.equal(device.memory().live, withCache);
    await engine.close();
    assert.equal(device.memory().live, live);
  });

  test("scores through the engine are those of a scorer of its own, beside generations", async () => {
    await using engine = new BatchEngine(model, tokenizer, { maxTokens: 300 });
    const jobs = [3, 1, 60, 2, 0, 5].map((count, i) => examples(i, count));
    const alone = new LabelScorer(model.decoder, { maxTokens: 300 });
    const generation = textOf(engine, { prompt: Int32Array.of(5, 6, 7), maxNewTokens: 10 });
    const order: number[] = [];
    const scored = await Promise.all(
      jobs.map(async (job, i) => {
        const scores = await engine.scoreLabels(job);
        order.push(i);
        return scores;
      }),
    );
    for (const [i, scores] of scored.entries()) {
      const expected = alone.score(jobs[i]!);
      assert.equal(scores.length, expected.length);
      for (const [j, { probabilities }] of scores.entries()) {
        for (const [label, p] of probabilities.entries())
          assert.ok(Math.abs(p - expected[j]!.probabilities[label]!) < 1e-5);
      }
    }
    assert.equal(order.at(-1), 2, "a large request held up small ones");
    assert.equal((await generation).ids.length, 10);
    assert.equal(engine.stats().scored, 71);
    const gone = AbortSignal.abort(new Error("gone"));
    await assert.rejects(engine.scoreLabels(jobs[0]!, { signal: gone }), /gone/);
  });

  test("texts of several adapters and of none each get what their adapter gives alone", async () => {
    using adapters = new AdapterSet(model);
    await using engine = new BatchEngine(model, tokenizer, { adapters, maxTokens: 64 });
    engine.attach("one", join(fixture, "adapter"));
    engine.attach("two", join(fixture, "adapter"));
    const prompt = Int32Array.from({ length: 40 }, (_, i) => (i * 7) % vocabulary);
    const request = { prompt, maxNewTokens: 12 };
    const base = (await textOf(engine, request)).ids;
    const adapted = (await textOf(engine, { ...request, adapter: "one" })).ids;
    assert.notDeepEqual(adapted, base);
    const names = [undefined, "one", "two", undefined, "two", "one"];
    const scores = names.map((adapter) => engine.scoreLabels(examples(7, 2), { adapter }));
    const together = await Promise.all(names.map((adapter) => textOf(engine, { ...request, adapter })));
    for (const [i, { ids }] of together.entries()) assert.deepEqual(ids, names[i] === undefined ? base : adapted);
    const [ofBase, ofOne, ofTwo] = await Promise.all(scores);
    assert.deepEqual(ofOne, ofTwo);
    assert.notDeepEqual(ofBase, ofOne);

    const last = textOf(engine, { ...request, adapter: "two" });
    const gone = engine.detach("two");
    assert.throws(
      () => engine.generate({ ...request, adapter: "two" }),
      (error) => error instanceof UserError && error.code === "adapter/no-such-name",
    );
    await gone;
    assert.deepEqual((await last).ids, adapted);
    assert.deepEqual(adapters.names, ["one"]);
  });

  test("what is left when the engine closes is told so", async () => {
    const engine = new BatchEngine(model, tokenizer);
    const left = textOf(engine, { prompt: Int32Array.of(1), maxNewTokens: 30 });
    const refused = assert.rejects(left, /closed/);
    await engine.close();
    await refused;
    assert.throws(() => engine.generate({ prompt: Int32Array.of(1), maxNewTokens: 1 }), /closed/);
  });
});
