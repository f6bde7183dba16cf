/** The server as clients see it: OpenAI's own client, and what `fettle predict` says to the same rows. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import OpenAI from "openai";
import { generate } from "../../src/app/api/generate.ts";
import { type LoadedModel, loadModel } from "../../src/app/api/load-model.ts";
import { predict } from "../../src/app/api/predict.ts";
import { type RunningServer, startServer } from "../../src/app/serve/start-server.ts";
import { LabelScorer } from "../../src/tune/score/label-scorer.ts";
import { moodLabels, onCpu, type ServedFolders, writeServedModels } from "../helpers/served-models.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-serve-"));
let folders: ServedFolders;
let server: RunningServer;
let client: OpenAI;
/** A classifier with a head of its own is served alone. */
let headServer: RunningServer;
let headClient: OpenAI;
/** The same models, asked without a server. */
const offline = new Map<string, LoadedModel>();

before(async () => {
  folders = await writeServedModels(scratch);
  const adapters = [
    { name: "moods", path: folders.moods },
    { name: "topics", path: folders.topics },
  ];
  server = await startServer(folders.base, { ...onCpu, port: 0, adapters, exact: true });
  for (const [name, path] of Object.entries(folders)) offline.set(name, await loadModel(path, onCpu));
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
  headServer = await startServer(folders.head, { ...onCpu, port: 0, base: folders.base });
  headClient = new OpenAI({ baseURL: `${headServer.url}/v1`, apiKey: "none", maxRetries: 0 });
});

after(async () => {
  await server.stop();
  await headServer.stop();
  for (const model of offline.values()) model[Symbol.dispose]();
  rmSync(scratch, { recursive: true, force: true });
});

const hello = [{ role: "user" as const, content: "Hello there" }];

/** What `fettle generate` says. */
async function generated(name: string, options: { maxNewTokens: number; temperature?: number; seed?: number }) {
  const pieces = await collected(generate(offline.get(name)!, { prompt: "Hello there", ...options }));
  return pieces.map(({ text }) => text).join("");
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("chat completions", () => {
  test("greedy and drawn answers are those of `fettle generate`, whole and in pieces, of base and adapter", async () => {
    for (const model of ["base", "moods"]) {
      for (const options of [{ temperature: 0 }, { temperature: 0.8, seed: 7 }]) {
        const expected = await generated(model, { ...options, maxNewTokens: 12 });
        const request = { model, messages: hello, max_tokens: 12, ...options };
        const whole = await client.chat.completions.create(request);
        assert.equal(whole.choices[0]!.message.content, expected);
        assert.equal(whole.model, model);
        const stream = await client.chat.completions.create({
          ...request,
          stream: true,
          stream_options: { include_usage: true },
        });
        let text = "";
        let finish: string | null = null;
        let usage: unknown;
        for await (const chunk of stream) {
          text += chunk.choices[0]?.delta.content ?? "";
          finish = chunk.choices[0]?.finish_reason ?? finish;
          usage = chunk.usage ?? usage;
        }
        assert.equal(text, expected);
        assert.equal(finish, whole.choices[0]!.finish_reason);
        assert.deepEqual(
          { ...(usage as object), prompt_tokens_details: 0 },
          { ...whole.usage, prompt_tokens_details: 0 },
        );
      }
    }
  });

  test("several answers have seeds one after the other", async () => {
    const request = { model: "base", messages: hello, max_tokens: 8, temperature: 1 };
    const many = await client.chat.completions.create({ ...request, n: 3, seed: 5 });
    assert.equal(many.choices.length, 3);
    for (const { index, message } of many.choices) {
      assert.equal(message.content, await generated("base", { maxNewTokens: 8, temperature: 1, seed: 5 + index }));
    }
    assert.equal(many.usage!.completion_tokens, 24);
  });

  test("answers are held to a schema, to JSON, or to labels", async () => {
    const schema = {
      type: "object",
      properties: { mood: { enum: moodLabels }, sure: { type: "boolean" } },
      required: ["mood", "sure"],
      additionalProperties: false,
    };
    const request = { model: "base", messages: hello, max_tokens: 60, seed: 3 };
    const answer = async (format: object): Promise<string> => {
      const { choices } = await client.chat.completions.create({ ...request, response_format: format as never });
      assert.equal(choices[0]!.finish_reason, "stop");
      return choices[0]!.message.content!;
    };
    const parsed = JSON.parse(
      await answer({ type: "json_schema", json_schema: { name: "mood", schema, strict: true } }),
    );
    assert.deepEqual(Object.keys(parsed), ["mood", "sure"]);
    assert.ok(moodLabels.includes(parsed.mood) && typeof parsed.sure === "boolean");
    assert.ok(moodLabels.includes(await answer({ type: "labels", labels: moodLabels })));
    await assert.rejects(
      answer({ type: "json_schema", json_schema: { name: "m", schema: { $ref: "http://x" } } }),
      /400/,
    );
    await assert.rejects(answer({ type: "json_schema", json_schema: { name: "m" } }), /response_format/);
    await assert.rejects(answer({ type: "grammar" }), /response_format/);
    const object = await client.chat.completions.create({ ...request, response_format: { type: "json_object" } });
    assert.match(object.choices[0]!.message.content!, /^\s*\{/);
  });

  test("log-probabilities are those of scoring, token by token, whole and in pieces", async () => {
    const request = { model: "moods", messages: hello, max_tokens: 6, temperature: 0, logprobs: true, top_logprobs: 3 };
    const { choices } = await client.chat.completions.create(request);
    const told = choices[0]!.logprobs!.content!;
    assert.equal(
      told.map(({ bytes }) => Buffer.from(bytes!).toString("latin1")).join(""),
      Buffer.from(choices[0]!.message.content!).toString("latin1"),
    );
    const { artefact } = offline.get("moods")!;
    const prompt = artefact.tokenizer.encode(
      artefact.template!.render([{ role: "user", content: "Hello there" }], { addGenerationPrompt: true }),
    ).ids;
    const tokens = (
      await client.completions.create({
        model: "moods",
        prompt: [...prompt],
        max_tokens: 6,
        temperature: 0,
        logprobs: 3,
      })
    ).choices[0]!;
    assert.deepEqual(
      tokens.logprobs!.token_logprobs,
      told.map(({ logprob }) => logprob),
    );
    // Scored as an answer, the tokens together are as probable as one after the other.
    const ids = told.map(({ token }) => artefact.tokenizer.encode(token).ids).map((own) => own[0]!);
    const [scores] = new LabelScorer(artefact.model.decoder).score([
      [{ ids: Int32Array.from([...prompt, ...ids]), begin: prompt.length }],
    ]);
    const sum = told.reduce((total, { logprob }) => total + logprob, 0);
    assert.ok(Math.abs(sum - scores!.logProbabilities[0]!) < 1e-4, `${sum} ${scores!.logProbabilities[0]}`);
    for (const { logprob, top_logprobs: top } of told) {
      assert.equal(top.length, 3);
      assert.equal(top[0]!.logprob, logprob);
    }
    const streamed = [];
    for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
      streamed.push(...(chunk.choices[0]?.logprobs?.content ?? []));
    }
    assert.deepEqual(streamed, told);
  });

  test("what is not known or not done is refused by name, in the form that the client reads", async () => {
    const request = { model: "base", messages: hello, max_tokens: 2 };
    const refusals: readonly [object, string, string | null][] = [
      [{ tools: [{ type: "function", function: { name: "f" } }] }, "unsupported_parameter", "tools"],
      [{ frequency_penalty: 0.5 }, "unsupported_parameter", "frequency_penalty"],
      [{ logit_bias: { "1": 2 } }, "unsupported_parameter", "logit_bias"],
      [{ temprature: 1 }, "unknown_parameter", "temprature"],
      [{ temperature: 3 }, "invalid_value", "temperature"],
      [{ messages: [{ role: "user", content: 3 }] }, "invalid_value", "messages[0].content"],
      [{ messages: undefined }, "missing_required_parameter", "messages"],
      [{ model: "bse" }, "model_not_found", "model"],
      [{ max_tokens: 2000 }, "context_length_exceeded", "messages"],
      [{ messages: [{ role: "user", content: "word ".repeat(3000) }] }, "context_length_exceeded", "messages"],
      [{ top_logprobs: 2 }, "invalid_value", "top_logprobs"],
      [{ n: 1000 }, "invalid_value", "n"],
    ];
    for (const [wrong, code, param] of refusals) {
      await assert.rejects(client.chat.completions.create({ ...request, ...wrong } as typeof request), (error) => {
        assert.ok(error instanceof OpenAI.APIError, String(error));
        assert.equal(error.status, code === "model_not_found" ? 404 : 400);
        assert.deepEqual([error.code, error.param], [code, param]);
        return true;
      });
    }
    const harmless = { user: "me", metadata: { a: "b" }, store: true, tools: [], frequency_penalty: 0, stop: null };
    await client.chat.completions.create({ ...request, ...harmless });
  });
});

describe("classify", () => {
  const texts = ["I am fine", "Why would you do that?!", "The rain never ends", "fine"];

  async function classified(body: { model: string; input: unknown }): Promise<Record<string, unknown>[]> {
    const asked = body.model === "head" ? headClient : client;
    const answer = (await asked.post("/classify", { body })) as { data: Record<string, unknown>[] };
    return answer.data;
  }

  for (const name of ["moods", "topics", "head"] as const) {
    test(`${name}: labels and probabilities are those of \`fettle predict\`, bit for bit`, async () => {
      const predicted = async (own: readonly string[]): Promise<object[]> =>
        (await collected(predict(offline.get(name)!, { texts: own }))).map(({ row, where: _, ...said }) => {
          return { index: row - 1, ...said };
        });
      const expected = await predicted(texts);
      assert.deepEqual(Object.keys((expected[0] as { probabilities: object }).probabilities), moodLabels);
      assert.deepEqual(await classified({ model: name, input: texts }), expected);
      assert.deepEqual(await classified({ model: name, input: texts.map((text) => ({ text })) }), expected);
      for (const text of texts.slice(0, 2)) {
        assert.deepEqual(await classified({ model: name, input: text }), await predicted([text]));
      }
    });
  }

  test("many requests at once get what each gets alone", async () => {
    const alone = await Promise.all(texts.map((text) => classified({ model: "moods", input: text })));
    const both = Array.from({ length: 24 }, (_, i) => {
      const model = i % 3 === 0 ? "topics" : "moods";
      return classified({ model, input: texts[i % texts.length]! });
    });
    for (const [i, answer] of (await Promise.all(both)).entries()) {
      if (i % 3 > 0) assert.deepEqual(answer, alone[i % texts.length]);
    }
  });

  test("a classifier with a head of its own says no words", async () => {
    const request = { model: "head", messages: hello };
    await assert.rejects(headClient.chat.completions.create(request), { code: "model_is_classifier" });
  });

  test("a row that cannot be labelled is told at its place; what was cut is told too", async () => {
    const data = await classified({ model: "moods", input: ["", "fine", "word ".repeat(3000)] });
    assert.deepEqual(data[0], { index: 0, error: { message: "the text is empty", code: "row_skipped" } });
    assert.equal(data[1]!.warning, undefined);
    assert.match(String(data[2]!.warning), /longer than 1024 tokens, cut/);
    await assert.rejects(classified({ model: "moods", input: [""] }), /nothing to label/);
    await assert.rejects(classified({ model: "moods", input: [{ txt: "a" }] }), /400/);
    await assert.rejects(classified({ model: "base", input: "fine" }), /labels/);
  });
});

test("models are the base and its adapters", async () => {
  const list = await collected(client.models.list());
  assert.deepEqual(
    list.map(({ id }) => id),
    ["base", "moods", "topics"],
  );
  const card = (await client.models.retrieve("moods")) as unknown as Record<string, unknown>;
  assert.deepEqual([card.parent, card.labels], ["base", moodLabels]);
  await assert.rejects(client.models.retrieve("a/b"), /no model "a\/b"/);
});
