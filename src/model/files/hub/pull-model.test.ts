/** Pulling from a small hub of our own: what is fetched, the layout it gets, and everything that can go wrong. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { gitSha1, goodToken, HubServer, sha256 } from "../../../../tests/helpers/hub-server.ts";
import { UserError } from "../../../base/errors.ts";
import type { RunEvent } from "../../../base/events.ts";
import { parseHubName } from "../../../base/hub-name.ts";
import type { HubAccess } from "./hub-access.ts";
import { type PullOptions, pullModel } from "./pull-model.ts";
import type { PulledModel } from "./pulled-model.ts";
import { snapshotOf } from "./snapshot.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const bytes = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed) % 251);

const single = {
  commit,
  revisions: { "v1.0": commit },
  large: ["model.safetensors", "pytorch_model.bin"],
  files: {
    "README.md": text("# A model"),
    "config.json": text('{"model_type": "llama"}'),
    "tokenizer.json": text("{}"),
    "tokenizer_config.json": text('{"a": 1}'),
    "generation_config.json": text("{}"),
    "chat_template.jinja": text("{{ messages }}"),
    "model.safetensors": bytes(300_000, 1),
    "pytorch_model.bin": bytes(1000, 2),
    "model.gguf": bytes(1000, 3),
    "modeling_custom.py": text("import os"),
  },
};
const needed = [
  "chat_template.jinja",
  "config.json",
  "generation_config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
];

const weightMap = { a: "model-00001-of-00002.safetensors", b: "model-00002-of-00002.safetensors" };
const sharded = {
  commit,
  large: Object.values(weightMap),
  files: {
    "config.json": text("{}"),
    "tokenizer.json": text("{}"),
    "model.safetensors.index.json": text(JSON.stringify({ weight_map: weightMap })),
    [weightMap.a]: bytes(5000, 4),
    [weightMap.b]: bytes(6000, 5),
    "consolidated.safetensors": bytes(11_000, 6),
  },
};

let server: HubServer;
let scratch: string;
let access: HubAccess;
const events: RunEvent[] = [];

before(async () => {
  server = await HubServer.start();
});
after(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "fettle-hub-"));
  const retryDelays = [1, 1, 1];
  access = { cacheFolder: scratch, endpoint: server.endpoint, token: undefined, offline: false, retryDelays };
  Object.assign(server.models, { "org/single": single, "org/sharded": sharded });
  server.trouble = {};
  server.requests.length = 0;
  events.length = 0;
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

function pull(
  name: string,
  changes: Partial<HubAccess> = {},
  options: Partial<PullOptions> = {},
): Promise<PulledModel> {
  const onEvent = (event: RunEvent): void => void events.push(event);
  return pullModel(parseHubName(name)!, { ...access, ...changes }, { onEvent, ...options });
}

async function refused(pulling: Promise<unknown>, code: string, says: RegExp): Promise<void> {
  await assert.rejects(pulling, (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.equal(error.code, code);
    assert.match(error.describe(), says);
    return true;
  });
}

/** Files of the repository's folder that are not whole blobs. */
function incomplete(repo: string): string[] {
  return readdirSync(join(scratch, repo, "blobs")).filter((name) => name.includes("incomplete"));
}

describe("what is fetched, and how it lies", () => {
  test("the files that are needed, as links to blobs named by their hash, and the commit of the branch", async () => {
    const { folder, ...pulled } = await pull("org/single");
    assert.equal(folder, join(scratch, "models--org--single/snapshots", commit));
    assert.deepEqual(readdirSync(folder).sort(), needed);
    for (const name of needed) {
      const content = single.files[name as keyof typeof single.files];
      const digest = single.large.includes(name) ? sha256(content) : gitSha1(content);
      assert.equal(readlinkSync(join(folder, name)), `../../blobs/${digest}`);
      assert.deepEqual(new Uint8Array(readFileSync(join(folder, name))), content);
    }
    assert.equal(readFileSync(join(scratch, "models--org--single/refs/main"), "utf8"), commit);
    const sizes = needed.map((name) => single.files[name as keyof typeof single.files].length);
    const bytesFetched = sizes.reduce((sum, size) => sum + size) - 2; // tokenizer.json and generation_config.json are one blob.
    assert.deepEqual(pulled, { repo: "org/single", revision: "main", commit, bytesFetched });
    assert.deepEqual(snapshotOf(folder), { repo: "org/single", commit });
    const last = events.at(-1)!;
    assert.ok(last.kind === "progress" && last.done === last.total);
  });

  test("the shards that the index names, and no other weights", async () => {
    const { folder } = await pull("org/sharded");
    const names = ["config.json", ...Object.values(weightMap), "model.safetensors.index.json", "tokenizer.json"];
    assert.deepEqual(readdirSync(folder).sort(), names.sort());
  });

  test("an adapter, without a model", async () => {
    const files = {
      "adapter_config.json": text("{}"),
      "adapter_model.safetensors": bytes(100, 1),
      "README.md": text(""),
    };
    server.models["org/adapter"] = { commit, files, large: ["adapter_model.safetensors"] };
    const { folder } = await pull("org/adapter");
    assert.deepEqual(readdirSync(folder).sort(), ["adapter_config.json", "adapter_model.safetensors"]);
  });

  test("a tag gets its own ref; a commit needs none, and no request once it is there", async () => {
    await pull("org/single@v1.0");
    assert.deepEqual(readdirSync(join(scratch, "models--org--single/refs")), ["v1.0"]);
    server.requests.length = 0;
    const { bytesFetched } = await pull(`org/single@${commit}`);
    assert.deepEqual([bytesFetched, server.requests.length], [0, 0]);
  });

  test("a second time the branch is looked up and nothing fetched", async () => {
    await pull("org/single");
    server.requests.length = 0;
    assert.equal((await pull("org/single")).bytesFetched, 0);
    assert.deepEqual(server.downloads, []);
    assert.ok(server.requests.length > 0);
  });

  test("of a new commit, what has changed", async () => {
    await pull("org/single");
    const next = "f".repeat(40);
    const files = { ...single.files, "tokenizer.json": text('{"new": true}') };
    server.models["org/single"] = { ...single, commit: next, files };
    server.requests.length = 0;
    const { folder } = await pull("org/single");
    assert.deepEqual(server.downloads, ["tokenizer.json"]);
    assert.equal(readFileSync(join(folder, "tokenizer.json"), "utf8"), '{"new": true}');
    assert.equal(readFileSync(join(scratch, "models--org--single/refs/main"), "utf8"), next);
  });

  test("weights later: all else now, and the weights with the next call", async () => {
    const { folder } = await pull("org/single", {}, { weights: "later" });
    assert.deepEqual(
      readdirSync(folder).sort(),
      needed.filter((name) => name !== "model.safetensors"),
    );
    await pull("org/single");
    assert.deepEqual(readdirSync(folder).sort(), needed);
  });

  test("config.json is looked at before anything large is asked for", async () => {
    const check = (): void => {
      throw new UserError({ code: "family/unknown", message: "no such family" });
    };
    await refused(pull("org/single", {}, { check }), "family/unknown", /no such family/);
    assert.deepEqual(server.downloads, ["config.json"]);
  });

  test("several processes wait for each other and fetch once", async () => {
    await Promise.all([pull("org/single"), pull("org/single"), pull("org/single")]);
    assert.equal(server.downloads.filter((name) => name === "model.safetensors").length, 1);
  });
});

describe("a connection that is cut", () => {
  test("is taken up where it broke off, as long as it brings something", async () => {
    server.trouble = { cutAfter: 40_000 };
    const { folder } = await pull("org/single");
    assert.deepEqual(
      new Uint8Array(readFileSync(join(folder, "model.safetensors"))),
      single.files["model.safetensors"],
    );
    const starts = server.downloads.flatMap((name) => /^model.* from (\d+)$/.exec(name)?.[1] ?? []);
    assert.ok(starts.length >= 7, String(starts));
    assert.deepEqual(
      starts,
      [...new Set(starts)].sort((a, b) => Number(a) - Number(b)),
    );
  });

  test("for good ends in an error, leaves no model, and is taken up by the next call", async () => {
    server.trouble = { cutAfter: 0 };
    await refused(pull("org/single"), "hub/unreachable", /org\/single cannot be fetched.*run the same command again/);
    assert.throws(() => readdirSync(join(scratch, "models--org--single/snapshots")), { code: "ENOENT" });

    const blobs = join(scratch, "models--org--single/blobs");
    const digest = sha256(single.files["model.safetensors"]);
    writeFileSync(join(blobs, `${digest}.incomplete`), single.files["model.safetensors"].subarray(0, 123_456));
    server.trouble = {};
    server.requests.length = 0;
    await pull("org/single");
    assert.ok(server.downloads.includes("model.safetensors from 123456"), String(server.downloads));
    assert.deepEqual(incomplete("models--org--single"), []);
  });

  test("starts anew at a server that knows no ranges", async () => {
    const blobs = join(scratch, "models--org--single/blobs");
    mkdirSync(blobs, { recursive: true });
    const digest = sha256(single.files["model.safetensors"]);
    writeFileSync(join(blobs, `${digest}.incomplete`), bytes(1000, 1));
    server.trouble = { noRanges: true };
    const { folder } = await pull("org/single");
    assert.deepEqual(
      new Uint8Array(readFileSync(join(folder, "model.safetensors"))),
      single.files["model.safetensors"],
    );
  });

  test("busy servers are asked again", async () => {
    server.trouble = { status: { code: 503, times: 2 } };
    await pull("org/single");
    server.trouble = { status: { code: 429, times: 99 } };
    await refused(pull("org/sharded"), "hub/unreachable", /429: too many requests/);
  });

  test("an abort ends it, and leaves no model", async () => {
    const controller = new AbortController();
    const onEvent = ({ kind }: RunEvent): void => {
      if (kind === "progress") controller.abort();
    };
    await refused(pull("org/single", {}, { signal: controller.signal, onEvent }), "hub/interrupted", /goes on where/);
    assert.throws(() => readdirSync(join(scratch, "models--org--single/snapshots")), { code: "ENOENT" });
    await pull("org/single");
  });
});

describe("what comes is not what was promised", () => {
  const other = { "model.safetensors": bytes(300_000, 9) };

  test("another content is refused, and nothing of it kept", async () => {
    server.trouble = { swap: other };
    await refused(
      pull("org/single"),
      "hub/wrong-hash",
      /its sha256 is not [0-9a-f]{64} · org\/single\/model.safetensors/,
    );
    assert.deepEqual(incomplete("models--org--single"), []);
    assert.throws(() => readdirSync(join(scratch, "models--org--single/snapshots")), { code: "ENOENT" });
    rmSync(join(scratch, "models--org--single"), { recursive: true });
    server.trouble = { swap: { "config.json": text('{"model_type": "evil!"}') } };
    await refused(pull("org/single"), "hub/wrong-hash", /its git sha1 is not/);
  });

  test("more than the file has is refused at once", async () => {
    server.trouble = { swap: { "model.safetensors": bytes(400_000, 1) } };
    await refused(pull("org/single"), "hub/wrong-size", /more than the 300000 bytes/);
    assert.deepEqual(incomplete("models--org--single"), []);
  });

  test("what an earlier try left of another file is thrown away", async () => {
    const blobs = join(scratch, "models--org--single/blobs");
    mkdirSync(blobs, { recursive: true });
    const path = join(blobs, `${sha256(single.files["model.safetensors"])}.incomplete`);
    for (const left of [bytes(1000, 7), bytes(300_000, 7), bytes(300_001, 7)]) {
      writeFileSync(path, left);
      const { folder } = await pull("org/single");
      assert.deepEqual(readFileSync(join(folder, "model.safetensors")), Buffer.from(single.files["model.safetensors"]));
      rmSync(join(scratch, "models--org--single/snapshots"), { recursive: true });
      rmSync(path.replace(".incomplete", ""));
    }
  });
});

describe("models that cannot be had", () => {
  test("gated: where to accept, and what to set", async () => {
    server.models["org/gated"] = { ...single, gated: true };
    const accept = /accept the licence of the model at http:\/\/127\.0\.0\.1:\d+\/org\/gated/;
    await refused(pull("org/gated"), "hub/gated", accept);
    await refused(pull("org/gated"), "hub/gated", /set HF_TOKEN/);
    await refused(
      pull("org/gated", { token: "hf_other" }),
      "hub/gated",
      /the token is not let in.*the account of the token/,
    );
    assert.equal((await pull("org/gated", { token: goodToken })).commit, commit);
  });

  test("the token goes to the hub and not to where it redirects", async () => {
    await pull("org/single", { token: goodToken });
    for (const { server: which, token } of server.requests)
      assert.equal(token, which === "hub" ? goodToken : undefined);
    assert.ok(server.requests.some(({ server: which }) => which === "cdn"));
  });

  test("missing, private, or of another revision", async () => {
    await refused(
      pull("org/nothing"),
      "hub/no-model",
      /neither a folder org\/nothing here nor.*or it is private.*HF_TOKEN/,
    );
    await refused(pull("org/nothing", { token: goodToken }), "hub/no-model", /that the token may see/);
    await refused(pull("org/single@v9"), "hub/no-revision", /no branch, tag or commit v9/);
  });

  test("pickles, other formats and no model at all, with the reason", async () => {
    const config = { "config.json": text("{}"), "tokenizer.json": text("{}") };
    const put = (files: Record<string, Uint8Array>): void => {
      server.models["org/other"] = { commit, files };
    };
    put({ ...config, "pytorch_model.bin": bytes(10, 1) });
    await refused(pull("org/other"), "files/pickle", /can run any code.*org\/other\/pytorch_model.bin/);
    await refused(pull("org/other", {}, { weights: "later" }), "files/pickle", /can run any code/);
    assert.ok(await pull("org/other", {}, { weights: "never" }));
    put({ "model.Q4_K_M.gguf": bytes(10, 1) });
    await refused(pull("org/other"), "hub/no-weights", /another format only \(model\.Q4_K_M\.gguf\)/);
    put({ "README.md": text("") });
    await refused(pull("org/other"), "hub/no-weights", /holds no model/);
  });

  test("an index that names what is not there, or leaves the folder", async () => {
    const put = (shard: string): void => {
      const index = text(JSON.stringify({ weight_map: { a: shard } }));
      server.models["org/bad"] = {
        commit,
        files: { "config.json": text("{}"), "model.safetensors.index.json": index },
      };
    };
    put("model-00001-of-00001.safetensors");
    await refused(pull("org/bad"), "hub/missing-shard", /model-00001-of-00001\.safetensors/);
    put("../../../evil.safetensors");
    await refused(pull("org/bad"), "files/bad-index", /a \.safetensors file of the folder/);
  });
});

describe("a listing that no hub gives", () => {
  const entry = { type: "file", path: "config.json", size: 2, oid: "0".repeat(40) };
  for (const [what, listing] of [
    ["a name that leaves the folder", [{ ...entry, path: "../../config.json" }]],
    ["an absolute name", [{ ...entry, path: "/etc/passwd" }]],
    ["a name with a backslash", [{ ...entry, path: "..\\config.json" }]],
    ["a hash that is a path", [{ ...entry, oid: "../../../x" }]],
    ["a size below zero", [{ ...entry, size: -1 }]],
    ["a size beyond all numbers", [{ ...entry, lfs: { oid: "0".repeat(64), size: 1e300 } }]],
    ["no list", { error: "no" }],
    ["a list of nothing", [null]],
    ["a page without bounds", [{ ...entry, path: "x".repeat(17 * 2 ** 20) }]],
  ] as const) {
    test(what, async () => {
      server.trouble = { listing };
      await refused(pull("org/single"), "hub/bad-answer", /cannot be used/);
      assert.deepEqual(readdirSync(scratch), []);
    });
  }

  test("without end", async () => {
    server.trouble = { endless: true };
    await refused(pull("org/single"), "hub/bad-answer", /more than 10 pages/);
  });

  test("of files too large to be what they are called", async () => {
    server.trouble = { listing: [{ ...entry, size: 2 ** 40 }] };
    await refused(pull("org/single", {}, { weights: "never" }), "hub/too-large", /1099511627776 bytes/);
    const weights = { ...entry, path: "model.safetensors", size: 2 ** 52 };
    server.trouble = { listing: [{ ...entry, oid: gitSha1(single.files["config.json"]), size: 23 }, weights] };
    await refused(pull("org/single"), "files/disk-full", /the disk has .* GB free.*HF_HUB_CACHE/);
  });
});

describe("without a network", () => {
  test("the cache is taken: silently when it is forbidden, with a warning when it fails", async () => {
    const { folder } = await pull("org/single");
    assert.equal((await pull("org/single", { offline: true })).folder, folder);
    assert.deepEqual(
      events.filter(({ kind }) => kind === "note"),
      [],
    );
    server.requests.length = 0;
    assert.equal((await pull("org/single", { endpoint: "http://127.0.0.1:2" })).folder, folder);
    assert.ok(
      events.some((event) => event.kind === "note" && /taken from the cache, as of commit 0123/.test(event.message)),
    );
    assert.deepEqual(server.requests, []);
  });

  test("what the cache does not have, or has in part, is refused", async () => {
    await refused(pull("org/single", { offline: true }), "hub/offline", /HF_HUB_OFFLINE.*fettle pull org\/single/);
    await pull("org/single", {}, { weights: "later" });
    await refused(pull("org/single", { offline: true }), "hub/offline", /model\.safetensors missing/);
    await refused(pull("org/sharded", { endpoint: "http://127.0.0.1:2" }), "hub/unreachable", /ECONNREFUSED/);
  });
});
