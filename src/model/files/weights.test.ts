import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { TensorToWrite } from "./safetensors-write.ts";
import { openWeights } from "./weights.ts";
import { saveWeights } from "./weights-write.ts";

const root = mkdtempSync(join(tmpdir(), "fettle-weights-"));
after(() => rmSync(root, { recursive: true }));

function newFolder(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  return folder;
}

const TENSORS: readonly TensorToWrite[] = ["w0", "w1", "w2", "w3"].map((name, i) => ({
  name,
  dtype: "U8",
  shape: [4],
  bytes: new Uint8Array(4).fill(i),
}));

function shards(name: string): string {
  const folder = newFolder(name);
  saveWeights(folder, TENSORS, { maxShardBytes: 10 });
  return folder;
}

test("one file and shards hold the same tensors", () => {
  const single = newFolder("single");
  saveWeights(single, TENSORS);
  const sharded = shards("sharded");
  assert.deepEqual(readdirSync(single), ["model.safetensors"]);
  assert.deepEqual(readdirSync(sharded), [
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
  ]);
  assert.deepEqual(JSON.parse(readFileSync(join(sharded, "model.safetensors.index.json"), "utf8")), {
    metadata: { total_parameters: 16, total_size: 16 },
    weight_map: {
      w0: "model-00001-of-00002.safetensors",
      w1: "model-00001-of-00002.safetensors",
      w2: "model-00002-of-00002.safetensors",
      w3: "model-00002-of-00002.safetensors",
    },
  });
  for (const folder of [single, sharded]) {
    using weights = openWeights(folder);
    assert.deepEqual(weights.names().sort(), ["w0", "w1", "w2", "w3"]);
    assert.deepEqual([...weights.read("w2")], [2, 2, 2, 2]);
    assert.throws(() => weights.info("w4"), /no tensor "w4"/);
  }
});

test("weights of another layout in the folder are not mixed with new ones", () => {
  const folder = shards("leftover");
  assert.throws(() => saveWeights(folder, TENSORS), { code: "files/weights-exist" });
  saveWeights(folder, TENSORS, { maxShardBytes: 10 });
});

test("an index that does not fit its shards is refused", () => {
  const folder = shards("broken");
  const path = join(folder, "model.safetensors.index.json");
  const index = JSON.parse(readFileSync(path, "utf8"));
  const withMap = (map: unknown): void => writeFileSync(path, JSON.stringify({ ...index, weight_map: map }));
  const cases: readonly (readonly [map: unknown, code: string])[] = [
    [{ ...index.weight_map, extra: index.weight_map.w0 }, "files/missing-tensor"],
    [{ ...index.weight_map, w0: "model-00003-of-00003.safetensors" }, "files/missing-shard"],
    [{ ...index.weight_map, w0: "../broken/model-00001-of-00002.safetensors" }, "files/bad-index"],
    [{ ...index.weight_map, w0: "/etc/passwd" }, "files/bad-index"],
    [{ ...index.weight_map, w0: 3 }, "files/bad-index"],
    [{}, "files/bad-index"],
    [undefined, "files/bad-index"],
  ];
  for (const [map, code] of cases) {
    withMap(map);
    assert.throws(() => openWeights(folder), { code });
  }
});

test("pickled weights are refused with the reason", () => {
  const folder = newFolder("pickle");
  assert.throws(() => openWeights(folder), { code: "files/no-weights" });
  writeFileSync(join(folder, "pytorch_model.bin"), "x");
  assert.throws(() => openWeights(folder), /pickle, which can run any code/);
  assert.throws(() => openWeights(join(folder, "none")), { code: "files/missing" });
});
