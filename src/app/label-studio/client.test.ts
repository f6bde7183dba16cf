/** Troubles that a network makes, which a server in good health does not: a server that makes them. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import { UserError } from "../../base/errors.ts";
import { LabelStudioClient } from "./client.ts";
import { listTasks } from "./existing-tasks.ts";
import { isExposed, serverAccess } from "./server-access.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let answers: Answer[] = [];
let requests: string[] = [];
const server = createServer((request, response) => {
  requests.push(`${request.method} ${request.url} ${request.headers.authorization ?? "-"}`);
  (answers.length > 1 ? answers.shift()! : answers[0]!)(request, response);
});
let url = "";
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  requests = [];
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const key = "secret-key-0123456789";
const json =
  (value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_, response) =>
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(value));

function client(apiKey = key, timeout = 5000): LabelStudioClient {
  return new LabelStudioClient({ url, apiKey, retryDelays: [1, 1], timeout });
}

async function refusal(action: () => Promise<unknown>): Promise<string> {
  let said = "";
  await assert.rejects(action(), (error) => {
    assert.ok(error instanceof UserError, String(error));
    said = `${error.code} ${error.describe()}`;
    return true;
  });
  assert.ok(!said.includes(key));
  return said;
}

describe("answers that are none", () => {
  it("an HTML page, another address, a login page", async () => {
    answers = [(_, response) => response.end("<!doctype html><title>Hello</title>")];
    assert.match(await refusal(() => client().get("/api/projects/1/")), /bad-answer .*HTML page.*--url/);
    answers = [(_, response) => response.writeHead(301, { Location: "https://elsewhere.example/api" }).end()];
    assert.match(await refusal(() => client().post("/api/projects/", {})), /bad-answer .*https:\/\/elsewhere\.example/);
    answers = [(_, response) => response.writeHead(302, { Location: "/user/login/?next=/" }).end()];
    assert.match(await refusal(() => client().get("/api/projects/1/")), /bad-key/);
    answers = [json({ results: [] })];
    const list = async () => {
      for await (const _ of listTasks(client(), 1, undefined, () => {}));
    };
    assert.match(await refusal(list), /lists its tasks in a way that is not known/);
  });

  it("silence, and a connection that is refused", async () => {
    answers = [() => {}];
    assert.match(await refusal(() => client(key, 50).get("/api/version")), /unreachable .*does not answer/);
    assert.equal(requests.length, 1);
    const gone = new LabelStudioClient({ url: "http://127.0.0.1:9", apiKey: key });
    assert.match(await refusal(() => gone.get("/api/version")), /unreachable .*cannot be reached/);
  });
});

describe("another try", () => {
  it("a reader is patient", async () => {
    answers = [json({}, 502), json({}, 500), json({ id: 7 })];
    assert.deepEqual(await client().get("/api/projects/7/"), { id: 7 });
    assert.equal(requests.length, 3);
  });

  it("a writer only where nothing was done", async () => {
    answers = [json({}, 429, { "Retry-After": "0.01" }), json({ id: 7 })];
    assert.deepEqual(await client().post("/api/projects/", {}), { id: 7 });
    answers = [json({ detail: "out of memory" }, 500), json({ id: 8 })];
    requests = [];
    assert.match(await refusal(() => client().post("/api/projects/", {})), /500: out of memory.*not done twice/);
    assert.equal(requests.length, 1);
  });

  it("a rate limit that does not end", async () => {
    answers = [json({ detail: "slow down" }, 429)];
    assert.match(await refusal(() => client().get("/api/projects/1/")), /unavailable .*too many requests/);
    assert.equal(requests.length, 3);
  });
});

describe("keys", () => {
  it("a legacy token is sent as it is", async () => {
    answers = [json({})];
    await client().get("/api/version");
    assert.deepEqual(requests, [`GET /api/version Token ${key}`]);
  });

  it("a personal one is exchanged, once, and again when it has expired", async () => {
    answers = [
      json({ access: "one" }),
      json({}),
      json({}),
      json({ detail: "expired" }, 401),
      json({ access: "two" }),
      json({}),
    ];
    const personal = client("head.body.signature");
    for (const path of ["/a", "/b", "/c"]) await personal.get(path);
    assert.deepEqual(requests, [
      "POST /api/token/refresh -",
      "GET /a Bearer one",
      "GET /b Bearer one",
      "GET /c Bearer one",
      "POST /api/token/refresh -",
      "GET /c Bearer two",
    ]);
    answers = [json({ detail: "Token is invalid" }, 401)];
    assert.match(await refusal(() => client("head.body.signature").get("/a")), /bad-key .*Token is invalid/);
  });

  it("what cannot be a key or an address is refused before anything is sent", async () => {
    assert.match(await refusal(async () => serverAccess(url, "a b")), /characters that no key has/);
    for (const bad of ["localhost:8080", "ftp://x", "http://me:pass@x/"]) {
      assert.match(await refusal(async () => serverAccess(bad, key)), /bad-url/);
    }
    assert.deepEqual(serverAccess(`${url}/`, key), { url, apiKey: key });
    assert.ok(isExposed({ url: "http://labels.example", apiKey: key }));
    assert.ok(!isExposed({ url, apiKey: key }) && !isExposed({ url: "https://labels.example", apiKey: key }));
  });
});
