/** The emulated products by warpgroups follow the PTX manual, and show what a card would silently get wrong. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DriverError } from "../../src/engine/device/cuda/driver.ts";
import { Card } from "./card.ts";
import { buildEmulator } from "./emulator.ts";

const built = buildEmulator();

/** Small whole numbers, which bf16 holds exactly. */
function numbers(length: number, factor: number): number[] {
  return Array.from({ length }, (_, i) => ((i * factor + 3) % 17) - 8);
}

/** Matrices in shared memory: `put` swizzles 16-byte chunks of 128-byte lines; descriptors are written out in full. */
const beginning = `extern "C" __global__ void kernel(float *out, const float *in) {
  FETTLE_SHARED(bytes);
  int thread = threadIdx.x, warp = thread / 32, lane = thread % 32;
  auto put = [&](unsigned byte, float x) {
    byte ^= (byte >> 7 & 7) << 4;
    *reinterpret_cast<unsigned short *>(bytes + byte) = __float_as_uint(x) >> 16;
  };
  auto descriptor = [&](unsigned byte, unsigned long long leading, unsigned long long stride) {
    unsigned long long address = shared_address(bytes) + byte;
    return address >> 4 | leading >> 4 << 16 | stride >> 4 << 32 | 1ull << 62;
  };`;

describe("emulated warpgroups", { skip: "reason" in built ? built.reason : false }, () => {
  if ("reason" in built) return;
  const card = new Card(built.folder);

  test("a product of two tiles in shared memory, both lines of inner elements", () => {
    const source = `${beginning}
      for (int i = thread; i < 64 * 64; i += 128) {
        put(i / 64 * 128 + i % 64 * 2, in[i]);
        put(8192 + i / 64 * 128 + i % 64 * 2, in[4096 + i]);
      }
      __syncthreads();
      float d[8][4] = {};
      wgmma_fence();
      for (int k = 0; k < 4; k++)
        wgmma<false>(d, descriptor(k * 32, 16, 1024), descriptor(8192 + k * 32, 16, 1024), k > 0);
      wgmma_commit();
      wgmma_wait<0>();
      for (int i = 0; i < 32; i++) {
        int row = warp * 16 + lane / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + lane % 4 * 2 + i % 2;
        out[row * 64 + column] = d[i / 4][i % 4];
      }
    }`;
    const a = numbers(64 * 64, 11);
    const b = numbers(64 * 64, 5);
    const expected = product(
      64,
      64,
      64,
      (row, k) => a[row * 64 + k]!,
      (k, column) => b[column * 64 + k]!,
    );
    assert.deepEqual([...card.run(source, 128, [...a, ...b], 64 * 64, 16_384)], expected);
  });

  test("a product of registers and a tile whose lines are the inner dimension, in two panels", () => {
    const source = `${beginning}
      for (int i = thread; i < 16 * 128; i += 128)
        put(i % 128 / 64 * 2048 + i / 128 * 128 + i % 64 * 2, in[1024 + i]);
      __syncthreads();
      unsigned a[4];
      for (int i = 0; i < 4; i++) {
        int row = warp * 16 + lane / 4 + i % 2 * 8, k = lane % 4 * 2 + i / 2 * 8;
        a[i] = __float_as_uint(in[row * 16 + k]) >> 16 | (__float_as_uint(in[row * 16 + k + 1]) & 0xffff0000u);
      }
      float d[16][4];
      for (int i = 0; i < 64; i++) d[i / 4][i % 4] = 1;
      wgmma_fence();
      wgmma<true>(d, a, descriptor(0, 2048, 1024), true);
      wgmma_commit();
      out[thread] = d[0][0];
      wgmma_wait<0>();
      for (int i = 0; i < 64; i++) {
        int row = warp * 16 + lane / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + lane % 4 * 2 + i % 2;
        out[128 + row * 128 + column] = d[i / 4][i % 4];
      }
    }`;
    const a = numbers(64 * 16, 7);
    const b = numbers(16 * 128, 3);
    const sums = product(
      64,
      16,
      128,
      (row, k) => a[row * 16 + k]!,
      (k, column) => b[k * 128 + column]!,
    );
    const [before, after] = [Array<number>(128).fill(1), sums.map((sum) => sum + 1)];
    assert.deepEqual([...card.run(source, 128, [...a, ...b], 128 + 64 * 128, 4096)], [...before, ...after]);
  });

  const mistakes: readonly [what: string, body: string, message: RegExp][] = [
    ["registers that are not fenced", "wgmma<false>(d, tile, tile, false);", /no wgmma_fence before/],
    [
      "products that nobody waits for",
      "wgmma_fence(); wgmma<false>(d, tile, tile, false); wgmma_commit();",
      /nobody waited for the last products/,
    ],
    [
      "copies that are not fenced",
      "copy_async16(bytes, in, true); copy_async_commit(); copy_async_wait<0>(); __syncthreads();" +
        " wgmma_fence(); wgmma<false>(d, tile, tile, false);",
      /has waited for copies and not fenced them/,
    ],
    [
      "a descriptor without a swizzle",
      "wgmma_fence(); wgmma<false>(d, tile & ~(1ull << 62), tile, false); wgmma_commit(); wgmma_wait<0>();",
      /the left factor is not in the 128-byte swizzle/,
    ],
    [
      "warps that go different ways",
      "wgmma_fence(); if (warp != 2) wgmma<false>(d, tile, tile, false); wgmma_commit(); wgmma_wait<0>();",
      /the warps of a warpgroup asked for different products/,
    ],
  ];
  for (const [what, body, message] of mistakes) {
    test(`shows ${what}`, () => {
      const source = `${beginning} float d[8][4]; unsigned long long tile = descriptor(0, 16, 1024); ${body} }`;
      assert.throws(
        () => card.run(source, 128, numbers(64, 3), 1, 16_384),
        (error) => error instanceof DriverError && message.test(error.message),
      );
    });
  }
});

function product(
  rows: number,
  inner: number,
  columns: number,
  a: (row: number, k: number) => number,
  b: (k: number, column: number) => number,
): number[] {
  return Array.from({ length: rows * columns }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += a(Math.floor(i / columns), k) * b(k, i % columns);
    return sum;
  });
}
