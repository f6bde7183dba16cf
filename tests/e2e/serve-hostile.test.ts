/** Requests that mean harm, or are just wrong: each gets an answer or loses its connection, and the server goes on. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type RunningServer, startServer } from "../../src/app/serve/start-server.ts";
import { codeOf, exchange, request, statusOf } from "../helpers/raw-http.ts";
import { onCpu } from "../helpers/served-models.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-hostile-"));
const key = "0123456789abcdef0123456789abcdef";
const adminKey = `admin-${key}`;
const page = "https://app.example.com";
let server: RunningServer;
let port: number;

before(async () => {
  const base = join(scratch, "base");
  writeSmallModel(base);
  server = await startServer(base, {
    ...onCpu,
    port: 0,
    apiKeys: [key],
    adminKeys: [adminKey],
    adapterFolders: [scratch],
    corsOrigins: [page],
    limits: { bodyBytes: 100_000, heldBytes: 150_000, headerTime: 0.5, bodyTime: 1 },
  });
  port = Number(new URL(server.url).port);
});

after(async () => {
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
});

const authorization = { Authorization: `Bearer ${key}` };
const chat = { model: "base", messages: [{ role: "user", content: "Hello" }], max_tokens: 2 };

function post(body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  return exchange(port, (socket) =>
    socket.write(request("POST /v1/chat/completions", { ...authorization, ...headers }, body)),
  );
}

function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  return exchange(port, (socket) => socket.write(request(`GET ${path}`, headers)));
}

async function stillAnswers(): Promise<void> {
  assert.equal(statusOf(await post(JSON.stringify(chat))), 200);
}

describe("bodies", () => {
  const bodies: Readonly<Record<string, readonly [body: string | Uint8Array, status: number, code: string]>> = {
    "no JSON": ["{", 400, "invalid_json"],
    empty: ["", 400, "invalid_json"],
    "not an object": ["[1]", 400, "invalid_type"],
    "invalid UTF-8": [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, "invalid_utf8"],
    deep: [`{"messages":${"[".repeat(40_000)}`, 400, "too_deep"],
    "deep in a text only": [JSON.stringify({ ...chat, user: "[".repeat(1000) }), 200, ""],
    "a prototype": ['{"__proto__":{"model":"base"},"messages":[]}', 400, "unknown_parameter"],
    "too large": [JSON.stringify({ ...chat, user: "x".repeat(200_000) }), 413, "request_too_large"],
    "a lone surrogate": [JSON.stringify({ ...chat, messages: [{ role: "user", content: "\ud800" }] }), 200, ""],
    "a long name": [JSON.stringify({ ["x".repeat(50_000)]: 1 }), 400, "unknown_parameter"],
    "a huge number": ['{"model":"base","messages":[{"role":"user","content":"a"}],"seed":1e400}', 400, "invalid_value"],
  };
  for (const [name, [body, status, code]] of Object.entries(bodies)) {
    test(name, async () => {
      const answer = await post(body);
      assert.equal(statusOf(answer), status, answer.slice(0, 500));
      assert.equal(codeOf(answer) ?? "", code);
      assert.ok(answer.length < 3000);
    });
  }

  test("of a kind that is not JSON, or packed", async () => {
    assert.equal(statusOf(await post(JSON.stringify(chat), { "Content-Type": "text/plain" })), 415);
    assert.equal(statusOf(await post(JSON.stringify(chat), { "Content-Encoding": "gzip" })), 415);
  });

  test("in chunks that never end", async () => {
    const head = request("POST /v1/chat/completions", authorization)
      .toString()
      .replace(/Content-Length: 0/, "Transfer-Encoding: chunked");
    const answer = await exchange(port, (socket) => {
      socket.write(head);
      const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`;
      const more = setInterval(() => socket.write(chunk), 5);
      socket.on("close", () => clearInterval(more));
    });
    assert.equal(statusOf(answer), 413);
  });

  test("announced, asked for, and refused before they are sent", async () => {
    const head = request("POST /v1/chat/completions", {
      ...authorization,
      Expect: "100-continue",
      "Content-Length": "999999999",
    });
    assert.equal(statusOf(await exchange(port, (socket) => socket.write(head))), 413);
  });

  test("many at once share a limit", async () => {
    const size = 90_000;
    const half = (): Promise<string> =>
      exchange(port, (socket) => {
        const all = request("POST /v1/chat/completions", { ...authorization, "Content-Length": String(size) });
        socket.write(all);
        socket.write(Buffer.alloc(size - 1, 0x20));
      });
    const answers = await Promise.all([half(), half()]);
    assert.deepEqual(answers.map(statusOf).sort(), [408, 429]);
    await stillAnswers();
  });
});

describe("connections", () => {
  test("that are no HTTP", async () => {
    assert.equal(statusOf(await exchange(port, (socket) => socket.write("\x16\x03\x01 hello\r\n\r\n"))), 400);
    assert.equal(statusOf(await exchange(port, (socket) => socket.write("GET / HTTP/1.1\r\n\r\n"))), 400);
  });

  test("with headers without end", async () => {
    const answer = await exchange(port, (socket) => {
      socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\n${"X-Filler: 0123456789abcdef\r\n".repeat(2000)}`);
    });
    assert.equal(statusOf(answer), 431);
  });

  test("that send their headers, or their body, too slowly", async () => {
    const slow = (bytes: Buffer): Promise<string> =>
      exchange(port, (socket) => {
        let at = 0;
        const timer = setInterval(() => socket.write(bytes.subarray(at, ++at)), 50);
        socket.on("close", () => clearInterval(timer));
      });
    const body = request("POST /v1/chat/completions", authorization, JSON.stringify(chat));
    const begun = exchange(port, (socket) => socket.write(body.subarray(0, body.length - 5)));
    assert.deepEqual((await Promise.all([slow(body), begun])).map(statusOf), [408, 408]);
  });

  test("a thousand, opened and left", async () => {
    const some = Array.from({ length: 1000 }, () => exchange(port, (socket) => socket.destroy()));
    await Promise.all(some);
    const cut = Array.from({ length: 200 }, () =>
      exchange(port, (socket) => {
        socket.write(request("POST /v1/chat/completions", authorization, JSON.stringify(chat)).subarray(0, 150));
        setTimeout(() => socket.destroy(), 5);
      }),
    );
    await Promise.all(cut);
    await stillAnswers();
  });
});

describe("who asks", () => {
  test("needs a key, which is compared whole", async () => {
    const ask = (headers: Readonly<Record<string, string>>): Promise<string> => get("/v1/models", headers);
    assert.equal(codeOf(await ask({})), "missing_api_key");
    for (const wrong of ["wrong", key.slice(0, -1), `${key}0`, `${key} x`]) {
      const answer = await ask({ Authorization: `Bearer ${wrong}` });
      assert.equal(statusOf(answer), 401);
      assert.match(answer, /WWW-Authenticate: Bearer/);
      assert.ok(!answer.includes(wrong === "wrong" ? key : wrong));
    }
    assert.equal(statusOf(await ask(authorization)), 200);
    assert.equal(statusOf(await ask({ Authorization: `bearer  ${adminKey}` })), 200);
    assert.equal(statusOf(await get("/metrics")), 401);
    assert.equal(statusOf(await get("/healthz")), 200);
    assert.equal(statusOf(await get("/readyz")), 200);
  });

  test("loads adapters with the admin key alone, and from folders that are allowed", async () => {
    const load = (path: string, headers: Readonly<Record<string, string>>): Promise<string> =>
      exchange(port, (socket) =>
        socket.write(request("POST /v1/adapters", headers, JSON.stringify({ name: "x", path }))),
      );
    assert.equal(statusOf(await load("base", authorization)), 401);
    const admin = { Authorization: `Bearer ${adminKey}` };
    for (const path of ["/etc", "..", "../..", scratch, "nothing", "base/../..", "\0"]) {
      assert.equal(codeOf(await load(path, admin)), "path_not_allowed", path);
    }
    assert.equal(codeOf(await load("base", admin)), "serve/no-adapter");
  });

  test("calls the server by its name, and comes from no page that is not allowed to", async () => {
    assert.equal(codeOf(await get("/healthz", { Host: "evil.example.com" })), "host_not_allowed");
    assert.equal(codeOf(await get("/healthz", { Host: "127.0.0.1.evil.example.com:80" })), "host_not_allowed");
    for (const host of ["127.0.0.1:1", "[::1]:80", "LOCALHOST"])
      assert.equal(statusOf(await get("/healthz", { Host: host })), 200);
    for (const origin of ["https://evil.example.com", "null", `${page}.evil.com`]) {
      assert.equal(codeOf(await get("/healthz", { Origin: origin })), "origin_not_allowed");
    }
    assert.match(await get("/healthz", { Origin: page }), new RegExp(`Access-Control-Allow-Origin: ${page}\r\n`));
    const preflight = (origin: string): Promise<string> =>
      exchange(port, (socket) => socket.write(request("OPTIONS /v1/chat/completions", { Origin: origin })));
    assert.equal(statusOf(await preflight(page)), 204);
    assert.equal(statusOf(await preflight("https://evil.example.com")), 403);
  });
});

test("paths and methods that are none", async () => {
  assert.match(await get("/v1/model", authorization), /404.*did you mean \\"\/v1\/models/s);
  assert.equal(codeOf(await get("/v1/models/%ff", authorization)), "invalid_url");
  assert.match(await get("/v1/chat/completions", authorization), /405.*this path takes POST/s);
  assert.equal(statusOf(await get("http://elsewhere/healthz")), 404);
});
