import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readGguf } from "../../../tests/helpers/read-gguf.ts";
import type { GgufValue } from "./gguf-types.ts";
import { type GgufTensor, writeGguf } from "./gguf-write.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-gguf-"));
after(() => rmSync(folder, { recursive: true }));

test("what is written is read back, tensors begin at multiples of 32 bytes", () => {
  const path = join(folder, "a.gguf");
  const metadata = new Map<string, GgufValue>([
    ["general.architecture", { type: "string", value: "llama" }],
    ["count", { type: "u32", value: 2 ** 32 - 1 }],
    ["eps", { type: "f32", value: 0.5 }],
    ["yes", { type: "bool", value: true }],
    ["words", { type: "string[]", value: ["ü", "", "x".repeat(100_000)] }],
    ["types", { type: "i32[]", value: [1, -2] }],
    ["scores", { type: "f32[]", value: [-1.5] }],
  ]);
  const part = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
  const tensors: GgufTensor[] = [
    { name: "v", type: "f32", shape: [3], parts: () => [part(1, 2), part(3)] },
    { name: "m", type: "f32", shape: [2, 3], parts: () => [part(1, 2, 3, 4, 5, 6)] },
  ];
  writeGguf(path, metadata, tensors);
  const file = readGguf(path);
  assert.equal(file.version, 3);
  assert.deepEqual(
    [...file.metadata],
    [...metadata].map(([key, { value }]) => [key, value]),
  );
  assert.deepEqual(
    [...file.tensors],
    [
      ["v", { shape: [3], type: 0, offset: 0 }],
      ["m", { shape: [3, 2], type: 0, offset: 32 }],
    ],
  );
  assert.equal(file.bytes.readFloatLE(file.dataStart + 8), 3);
  assert.equal(file.bytes.readFloatLE(file.dataStart + 32 + 20), 6);
  assert.equal(file.bytes.length, file.dataStart + 64);
});

test("values that do not fill the shape are a bug, and leave no file", () => {
  const path = join(folder, "short.gguf");
  const tensor: GgufTensor = { name: "v", type: "q8_0", shape: [64], parts: () => [new Uint8Array(34)] };
  assert.throws(() => writeGguf(path, new Map(), [tensor]), /"v" has 34 bytes, its shape needs 68/);
  assert.ok(!existsSync(path));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes("short")),
    [],
  );
});
