import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../../../base/package-root.ts";
import type { GgmlType } from "../../files/gguf-types.ts";
import { decodeGgml } from "./decode.ts";
import { encodeGgml, fittingType } from "./encode.ts";
import { fromHalf, toHalf } from "./half.ts";

type Block = Readonly<Record<GgmlType | "name" | "values", string>>;

const blocks = JSON.parse(readFileSync(join(packageRoot, "tests/fixtures/gguf/blocks.json"), "utf8")) as Block[];

for (const type of ["f16", "bf16", "q8_0", "q4_k"] as const) {
  for (const { name, values, [type]: expected } of blocks) {
    test(`${type}, ${name} values: the bytes are ggml's`, () => {
      const floats = new Float32Array(Uint8Array.from(Buffer.from(values, "base64")).buffer);
      assert.equal(Buffer.from(encodeGgml(type, floats, name)).toString("base64"), expected);
    });
  }
}

test("what is decoded is encoded as it was, and is near to what it came from", () => {
  const values = Float32Array.from({ length: 1024 }, (_, i) => Math.sin(i * i) * (1 + (i >> 5)));
  const steps = { f32: 0, f16: 2 ** -11, bf16: 2 ** -8, q8_0: 1 / 127, q4_k: 1 / 6 } as const;
  for (const type of ["f32", "f16", "bf16", "q8_0", "q4_k"] as const) {
    const decoded = decodeGgml(type, encodeGgml(type, values, "values"));
    decoded.forEach((value, i) => {
      const largest = 1 + (i >> 5);
      assert.ok(Math.abs(value - values[i]!) <= steps[type] * largest, `${type}: ${value} for ${values[i]}`);
    });
    // Q4_K looks for its scales anew.
    if (type !== "q4_k") assert.deepEqual(decodeGgml(type, encodeGgml(type, decoded, "decoded")), decoded);
  }
});

test("halves: every one of them comes back, ties go to even, beyond the largest is infinity", () => {
  for (let half = 0; half < 2 ** 16; half++) {
    const value = fromHalf(half);
    if (!Number.isNaN(value)) assert.equal(toHalf(value), half);
  }
  assert.equal(toHalf(1 + 2 ** -11), 0x3c00);
  assert.equal(toHalf(1 + 3 * 2 ** -11), 0x3c02);
  assert.equal(toHalf(65519.996), 0x7bff);
  assert.equal(toHalf(65520), 0x7c00);
  assert.equal(toHalf(-(2 ** -25)), 0x8000);
  assert.equal(toHalf(1.5 * 2 ** -24), 2);
  assert.ok(Number.isNaN(fromHalf(toHalf(Number.NaN))));
});

test("values that a format cannot hold are refused by name", () => {
  const bad = (type: GgmlType, value: number): void => void encodeGgml(type, new Float32Array(256).fill(value), "w");
  assert.throws(() => bad("f16", 70000), /"w" holds 70000, which f16 cannot/);
  assert.throws(() => bad("q4_k", Number.NaN), /"w" holds NaN: the model is damaged/);
  assert.throws(() => bad("f32", Number.POSITIVE_INFINITY), /"w" holds Infinity/);
  assert.throws(() => bad("q8_0", 1e9), /"w" holds 1000000000, which q8_0 cannot/);
});

test("rows that are no whole blocks take a type with smaller ones", () => {
  assert.equal(fittingType("q4_k", 4096), "q4_k");
  assert.equal(fittingType("q4_k", 896), "q8_0");
  assert.equal(fittingType("q4_k", 50), "f16");
  assert.equal(fittingType("q8_0", 50), "f16");
  assert.equal(fittingType("bf16", 50), "bf16");
});
