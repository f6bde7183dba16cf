import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { goodToken, HubServer } from "../../../../tests/helpers/hub-server.ts";
import { parseDatasetName } from "../../../base/dataset-name.ts";
import { UserError } from "../../../base/errors.ts";
import type { HubAccess } from "../../../model/files/hub/hub-access.ts";
import { type FetchedFiles, fetchDataset } from "./fetch-dataset.ts";
import type { Part } from "./parts.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const converted = "f".repeat(40);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const files = {
  "README.md": bytes("# No front matter"),
  "data/train-00000-of-00002.parquet": bytes("train 0"),
  "data/train-00001-of-00002.parquet": bytes("train 1"),
  "data/test-00000-of-00001.parquet": bytes("test"),
};
const card = `---
license: mit
configs:
- config_name: small
  data_files:
  - split: train
    path: "small/*.jsonl"
- config_name: default
  data_files:
  - {split: train, path: [a.csv, b.csv]}
  - {split: dev, path: c.csv}
---
# A data set
`;

let server: HubServer;
let cacheFolder: string;
before(async () => {
  server = await HubServer.start();
});
after(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  cacheFolder = mkdtempSync(join(tmpdir(), "fettle-datasets-"));
  server.requests.length = 0;
  server.trouble = {};
  Object.assign(server.datasets, {
    "org/plain": { commit, files, large: ["data/train-00000-of-00002.parquet"] },
    "org/card": {
      commit,
      files: Object.fromEntries(
        ["README.md", "a.csv", "b.csv", "c.csv", "d.csv", "small/1.jsonl", "small/2.jsonl"].map((name) => [
          name,
          bytes(name === "README.md" ? card : name),
        ]),
      ),
    },
    "org/script": {
      commit,
      files: { "script.py": bytes("import os") },
      branches: {
        "refs/convert/parquet": {
          commit: converted,
          files: { "en/train/0000.parquet": bytes("en"), "ko/train/0000.parquet": bytes("ko") },
        },
      },
    },
  });
});

async function fetched(path: string, part?: Part, access: Partial<HubAccess> = {}): Promise<FetchedFiles> {
  const hub = { cacheFolder, endpoint: server.endpoint, token: undefined, offline: false, retryDelays: [1], ...access };
  return await fetchDataset(parseDatasetName(path)!, { part, hub, onEvent: () => {} });
}

function contents({ files: paths }: FetchedFiles): string[] {
  return paths.map((path) => readFileSync(path, "utf8"));
}

async function refused(fetching: Promise<unknown>, code: string, says: RegExp): Promise<void> {
  await assert.rejects(fetching, (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.equal(error.code, code);
    assert.match(error.describe(), says);
    return true;
  });
}

describe("a data set of the hub", () => {
  it("lies where Python's huggingface_hub has it, the wanted split only", async () => {
    const train = await fetched("hf:org/plain", "train");
    assert.deepEqual(contents(train), ["train 0", "train 1"]);
    const snapshot = join(cacheFolder, "datasets--org--plain/snapshots", commit);
    assert.equal(train.files[0], join(snapshot, "data/train-00000-of-00002.parquet"));
    assert.match(readlinkSync(train.files[0]!), /^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/);
    assert.equal(readFileSync(join(cacheFolder, "datasets--org--plain/refs/main"), "utf8"), commit);
    assert.equal(train.pinned, `hf:org/plain@${commit}/train`);
    assert.deepEqual([...train.others], [["test", `hf:org/plain@${commit}/test`]]);
    assert.ok(!server.requests.some(({ path }) => path.includes("test-0000")));
  });

  it("a second time nothing is fetched, and without a network the cache is enough", async () => {
    await fetched("hf:org/plain", "train");
    server.requests.length = 0;
    await fetched("hf:org/plain", "train");
    assert.deepEqual(server.downloads, []);
    server.requests.length = 0;
    assert.deepEqual(contents(await fetched("hf:org/plain/train", undefined, { offline: true })), [
      "train 0",
      "train 1",
    ]);
    assert.equal(server.requests.length, 0);
    rmSync(join(cacheFolder, "datasets--org--plain/snapshots", commit, "data/train-00001-of-00002.parquet"));
    await refused(fetched("hf:org/plain", "train", { offline: true }), "hub/offline", /has 1 of 2 files/);
    await refused(
      fetched("hf:org/card", "train", { offline: true }),
      "hub/offline",
      /does not have the data set org\/card/,
    );
  });

  it("has the splits and configurations that its card names", async () => {
    assert.deepEqual(contents(await fetched("hf:org/card", "train")), ["a.csv", "b.csv"]);
    assert.deepEqual(contents(await fetched("hf:org/card", "validation")), ["c.csv"]);
    assert.deepEqual(contents(await fetched("hf:org/card/dev")), ["c.csv"]);
    assert.deepEqual(contents(await fetched("hf:org/card:small/train")), ["small/1.jsonl", "small/2.jsonl"]);
    assert.deepEqual(contents(await fetched("hf:org/card/d.csv")), ["d.csv"]);
    assert.deepEqual(contents(await fetched("hf:org/card/small/*.jsonl")), ["small/1.jsonl", "small/2.jsonl"]);
    await refused(fetched("hf:org/card", "test"), "data/no-split", /no split test.*there are: train, dev/);
    await refused(fetched("hf:org/card:smal", "train"), "data/no-config", /did you mean "small"/);
  });

  it("without data files is read as the hub converted it", async () => {
    await refused(fetched("hf:org/script", "train"), "data/no-config", /several configurations.*hf:org\/script:en/);
    const korean = await fetched("hf:org/script:ko", "train");
    assert.deepEqual(contents(korean), ["ko"]);
    assert.equal(korean.pinned, "hf:org/script@refs/convert/parquet:ko/train");
    server.datasets["org/empty"] = { commit, files: { "a.py": bytes("") } };
    await refused(fetched("hf:org/empty", "train"), "data/no-data-file", /no files that are read.*it holds a.py/);
  });

  it("that is not there, gated, or of names that leave the cache", async () => {
    await refused(
      fetched("hf:org/none"),
      "hub/no-dataset",
      /there is no data set org\/none on the hub, or it is private/,
    );
    server.datasets["org/gated"] = { commit, files, gated: true };
    const says = /org\/gated is gated.*accept the conditions of the data set at .*\/datasets\/org\/gated/;
    await refused(fetched("hf:org/gated", "train"), "hub/gated", says);
    assert.equal((await fetched("hf:org/gated", "train", { token: goodToken })).files.length, 2);
    for (const path of ["../../x.csv", "a/../../x.csv", "/etc/x.csv", "a\\x.csv", "a//x.csv"]) {
      server.trouble = { listing: [{ type: "file", path, size: 1, oid: "0".repeat(40) }] };
      await refused(fetched("hf:org/plain", "train"), "hub/bad-answer", /is no file of a dataset/);
    }
  });
});

describe("names of data sets", () => {
  it("have a revision, a configuration and a split", () => {
    const full = parseDatasetName("hf:org/name@refs/pr/1:en/train")!;
    assert.deepEqual(full, {
      name: { repo: "org/name", revision: "refs/pr/1", type: "dataset" },
      config: "en",
      rest: "train",
    });
    assert.equal(parseDatasetName("hf:org/name@v1.0/data/a.csv")!.rest, "data/a.csv");
    for (const bad of ["hf:name", "hf:org/name/../x", "hf:../name", "org/name", "hf:org/name@/x"]) {
      assert.equal(parseDatasetName(bad), undefined, bad);
    }
  });
});
