/** What a server does under load, when clients leave, and from its start to its end. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import OpenAI from "openai";
import { type RunningServer, type ServeOptions, startServer } from "../../src/app/serve/start-server.ts";
import { fettleJson, finish, start } from "../helpers/cli.ts";
import { codeOf, exchange, request, statusOf } from "../helpers/raw-http.ts";
import { onCpu, type ServedFolders, writeServedModels } from "../helpers/served-models.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-lifecycle-"));
const adminKey = "0123456789abcdef0123456789abcdef";
let folders: ServedFolders;

before(async () => {
  folders = await writeServedModels(scratch);
});

after(() => rmSync(scratch, { recursive: true, force: true }));

/** More than the model can write while a test looks. */
const long = { model: "base", messages: [{ role: "user" as const, content: "Hello" }], max_tokens: 900, seed: 1 };

async function serving(
  options: ServeOptions,
  body: (client: OpenAI, server: RunningServer, port: number) => Promise<void>,
): Promise<void> {
  const server = await startServer(folders.base, { ...onCpu, port: 0, ...options });
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: adminKey, maxRetries: 0 });
  try {
    await body(client, server, Number(new URL(server.url).port));
  } finally {
    await server.stop();
  }
}

/** Until it holds; the test's own limit ends the waiting. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("limits", () => {
  test("requests beyond those that fit are sent away, and fit again later", () =>
    serving({ limits: { requests: 2, streams: 1 } }, async (client, { state }, port) => {
      const stream = await client.chat.completions.create({ ...long, stream: true });
      await assert.rejects(client.chat.completions.create({ ...long, stream: true }), (error) => {
        assert.ok(error instanceof OpenAI.RateLimitError);
        assert.equal(error.headers?.get("retry-after"), "1");
        return true;
      });
      const leaving = new AbortController();
      const second = assert.rejects(client.chat.completions.create(long, { signal: leaving.signal }));
      await until(() => state.gate.requests === 2);
      const third = await exchange(port, (socket) =>
        socket.write(request("POST /v1/chat/completions", {}, JSON.stringify(long))),
      );
      assert.deepEqual([statusOf(third), codeOf(third)], [429, "too_many_requests"]);
      stream.controller.abort();
      leaving.abort();
      await second;
      await until(() => state.gate.requests === 0);
      await client.chat.completions.create({ ...long, max_tokens: 1 });
    }));

  test("an answer that takes too long is ended and told so, whole or in pieces", () =>
    serving({ limits: { requestTime: 0.3 } }, async (client, { state }) => {
      const four = { ...long, n: 16 };
      await assert.rejects(client.chat.completions.create(four), /504.*longer than 0.3 seconds/);
      const stream = await client.chat.completions.create({ ...four, stream: true });
      let pieces = 0;
      await assert.rejects(async () => {
        for await (const _ of stream) pieces++;
      }, /longer than 0.3 seconds/);
      assert.ok(pieces > 0);
      await until(() => state.gate.requests === 0 && state.gate.streams === 0);
    }));

  test("what clients leave behind is ended, and its memory is free", () =>
    serving({}, async (client, { state }, port) => {
      const { engine, device } = state.models;
      const one = await client.chat.completions.create({ ...long, max_tokens: 1 });
      assert.equal(one.usage?.completion_tokens, 1);
      const before = device.memory().live;
      const streams = await Promise.all(
        Array.from({ length: 8 }, () => client.chat.completions.create({ ...long, stream: true })),
      );
      await until(() => engine.stats().running === 8);
      for (const stream of streams) stream.controller.abort();
      const controller = new AbortController();
      const whole = client.chat.completions.create(long, { signal: controller.signal });
      await until(() => engine.stats().running > 0 && state.gate.requests === 1);
      controller.abort();
      await assert.rejects(whole);
      // One of several prompts that is refused leaves the others nothing to do; nor does a client that is gone at once.
      const prompts = [[1, 2], [1e9]];
      await assert.rejects(client.completions.create({ model: "base", prompt: prompts, max_tokens: 900 }), /400/);
      await exchange(port, (socket) => {
        socket.write(request("POST /v1/chat/completions", {}, JSON.stringify({ ...long, stream: true })));
        setImmediate(() => socket.destroy());
      });
      await until(() => state.gate.requests === 0 && engine.stats().running === 0);
      assert.equal(engine.stats().pagesUsed, 0);
      assert.equal(device.memory().live, before);
    }));
});

test("adapters come and go while others are asked", () =>
  serving(
    { adminKeys: [adminKey], adapterFolders: [scratch], adapters: [{ name: "moods", path: folders.moods }] },
    async (client, { state }) => {
      const ask = async (model: string): Promise<string> => {
        const request = { ...long, model, max_tokens: 8, temperature: 0 };
        return (await client.chat.completions.create(request)).choices[0]!.message.content!;
      };
      const expected = await ask("moods");
      const live = state.models.device.memory().live;
      let going = true;
      const others = Array.from({ length: 3 }, async () => {
        let asked = 0;
        for (; going; asked++) assert.equal(await ask("moods"), expected);
        return asked;
      });
      const request = { ...long, model: "more", max_tokens: 40, temperature: 0, stream: true } as const;
      const answers = new Set<string>();
      for (let round = 0; round < 5; round++) {
        await client.post("/adapters", { body: { name: "more", path: "topics" } });
        const stream = await client.chat.completions.create(request);
        const gone = client.delete("/adapters/more");
        let text = "";
        for await (const { choices } of stream) text += choices[0]!.delta.content ?? "";
        answers.add(text);
        await gone;
        await assert.rejects(ask("more"), /no model "more"/);
      }
      assert.equal(answers.size, 1);
      assert.ok(![...answers][0]!.startsWith(expected));
      await assert.rejects(client.delete("/adapters/base"), /no adapter/);
      await assert.rejects(client.post("/adapters", { body: { name: "moods", path: "topics" } }), /already/);
      going = false;
      assert.ok((await Promise.all(others)).every((asked) => asked > 0));
      assert.equal(state.models.device.memory().live, live);
    },
  ));

/** A server in a process of its own, once it is ready. */
async function startProcess(
  words: readonly string[] = [],
): Promise<{ child: ChildProcess; url: string; log: () => string }> {
  const child = start([
    "serve",
    folders.base,
    "--port",
    "0",
    "--device",
    "cpu",
    "--threads",
    "1",
    "--log",
    "json",
    ...words,
  ]);
  let log = "";
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr!.on("data", (chunk) => {
      log += chunk;
      const ready = /ready on (http:\/\/[\d.:]+)/.exec(log);
      if (ready) resolve(ready[1]!);
    });
    child.once("close", () => reject(new Error(log)));
  });
  return { child, url, log: () => log };
}

describe("a process", () => {
  test("told to stop finishes what it started, and takes nothing new", async () => {
    const { child, url, log } = await startProcess();
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "secret-key-of-the-client", maxRetries: 0 });
    const stream = await client.chat.completions.create({ ...long, max_tokens: 300, stream: true });
    const ended = finish(child);
    let pieces = 0;
    let finished: string | null = null;
    for await (const { choices } of stream) {
      if (pieces++ === 1) child.kill("SIGTERM");
      finished = choices[0]?.finish_reason ?? finished;
    }
    assert.equal(finished, "length");
    const { code, stdout } = await ended;
    assert.equal(code, 0, log());
    assert.equal(stdout, "");
    await assert.rejects(client.models.list(), OpenAI.APIConnectionError);
    const lines = log().trimEnd().split("\n");
    const entries = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    const asked = entries.find(({ event }) => event === "request");
    assert.deepEqual(
      [asked.method, asked.endpoint, asked.status, asked.model, asked.completionTokens],
      ["POST", "/v1/chat/completions", 200, "base", 300],
    );
    assert.ok(!log().includes("secret-key") && !log().includes("Hello"));
  });

  test("told twice ends at once", async () => {
    const { child, url } = await startProcess();
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
    const stream = await client.chat.completions.create({ ...long, n: 16, stream: true });
    const reading = assert.rejects(async () => {
      for await (const _ of stream);
    });
    const ended = finish(child);
    child.kill("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 100));
    child.kill("SIGINT");
    assert.equal((await ended).code, 130);
    await reading;
  });

  test("with another chat template than that of the training serves only when told to", async () => {
    const other = join(scratch, "other");
    cpSync(folders.base, other, { recursive: true });
    appendFileSync(join(other, "chat_template.jinja"), "!");
    const adapters = [{ name: "moods", path: folders.moods }];
    const options = { ...onCpu, port: 0, adapters };
    await assert.rejects(startServer(other, options), { code: "artefact/template-changed" });
    const server = await startServer(other, { ...options, anyTemplate: true });
    assert.equal(server.state.models.all.length, 2);
    await server.stop();
  });

  test("that cannot serve says why", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    const { error } = await fettleJson(["serve", folders.base, "--port", String(port)], 2);
    assert.equal((error as { code: string }).code, "serve/cannot-listen");
    taken.close();
    const refusals: readonly [options: ServeOptions, code: string][] = [
      [{ host: "0.0.0.0" }, "serve/needs-key"],
      [{ apiKeys: ["short"] }, "serve/bad-key"],
      [{ adapters: [{ name: "base", path: folders.moods }] }, "serve/name-taken"],
      [{ adapters: [{ name: "x", path: folders.base }] }, "serve/no-adapter"],
    ];
    for (const [options, code] of refusals) {
      await assert.rejects(startServer(folders.base, { ...onCpu, port: 0, ...options }), { code });
    }
  });
});
