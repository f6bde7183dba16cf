/** The emulated CUDA libraries do what NVIDIA's manuals say, and find the mistakes they are there to find. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import koffi from "koffi";
import { DriverError } from "../../src/engine/device/cuda/driver.ts";
import { Nvrtc } from "../../src/engine/device/cuda/nvrtc.ts";
import { Products } from "../../src/engine/device/cuda/products.ts";
import type { BufferView } from "../../src/engine/device/device.ts";
import { Card } from "./card.ts";
import { buildEmulator } from "./emulator.ts";

const built = buildEmulator();

const signature = 'extern "C" __global__ void kernel(float *out, const float *in)';

/** Small whole numbers, which bf16 holds exactly. */
function numbers(length: number, factor: number): number[] {
  return Array.from({ length }, (_, i) => ((i * factor + 3) % 17) - 8);
}

describe("emulated CUDA", { skip: "reason" in built ? built.reason : false }, () => {
  if ("reason" in built) return;
  const card = new Card(built.folder);

  test("threads of a block meet at __syncthreads, in every order", () => {
    const source = `${signature} {
      __shared__ float values[96];
      values[threadIdx.x] = in[threadIdx.x];
      __syncthreads();
      out[threadIdx.x] = values[blockDim.x - 1 - threadIdx.x];
    }`;
    const input = numbers(96, 5);
    for (const order of ["forward", "reverse", "shuffle"]) {
      process.env.FETTLE_EMULATOR_ORDER = order;
      assert.deepEqual([...card.run(source, 96, input, 96)], input.toReversed(), order);
    }
    delete process.env.FETTLE_EMULATOR_ORDER;
  });

  test("a missing barrier shows in one order or another", () => {
    const source = `${signature} {
      __shared__ float values[64];
      values[threadIdx.x] = in[threadIdx.x];
      out[threadIdx.x] = values[threadIdx.x ^ 32];
    }`;
    const input = numbers(64, 5);
    const forward = [...card.run(source, 64, input, 64)];
    process.env.FETTLE_EMULATOR_ORDER = "reverse";
    const reverse = [...card.run(source, 64, input, 64)];
    delete process.env.FETTLE_EMULATOR_ORDER;
    assert.notDeepEqual(forward, reverse);
  });

  test("shuffles and votes", () => {
    const source = `${signature} {
      int lane = threadIdx.x;
      float x = in[lane];
      out[lane] = __shfl_xor_sync(0xffffffffu, x, 5);
      out[32 + lane] = __shfl_down_sync(0xffffffffu, x, 3, 8);
      out[64 + lane] = __shfl_up_sync(0xffffffffu, x, 2);
      out[96 + lane] = __shfl_sync(0xffffffffu, x, 9);
      unsigned half = lane < 16 ? 0x0000ffffu : 0xffff0000u;
      out[128 + lane] = __popc(__ballot_sync(half, x > 0.f));
    }`;
    const x = numbers(32, 7);
    const lanes = Array.from({ length: 32 }, (_, lane) => lane);
    const positive = (from: number) => x.slice(from, from + 16).filter((value) => value > 0).length;
    const expected = [
      ...lanes.map((lane) => x[lane ^ 5]!),
      ...lanes.map((lane) => ((lane % 8) + 3 > 7 ? x[lane]! : x[lane + 3]!)),
      ...lanes.map((lane) => (lane < 2 ? x[lane]! : x[lane - 2]!)),
      ...lanes.map(() => x[9]!),
      ...lanes.map((lane) => positive(lane < 16 ? 0 : 16)),
    ];
    assert.deepEqual([...card.run(source, 32, x, 160)], expected);
  });

  test("mma_bf16 of fragments that ldmatrix loads is the product of matrices", () => {
    // a: [16][16]; b: [16][8], once read transposed as it lies, once from its transpose.
    const source = `${signature} {
      __shared__ __align__(16) unsigned short a[16][16], b[16][8], across[8][16];
      int lane = threadIdx.x;
      for (int i = lane; i < 256; i += 32) a[i / 16][i % 16] = __float_as_uint(in[i]) >> 16;
      for (int i = lane; i < 128; i += 32) b[i / 8][i % 8] = across[i % 8][i / 8] = __float_as_uint(in[256 + i]) >> 16;
      __syncwarp();
      unsigned left[4], right[4], transposed[4];
      ldmatrix_x4(left, &a[lane % 16][lane / 16 * 8]);
      ldmatrix_x4_transposed(right, &b[lane % 16][0]);
      ldmatrix_x4(transposed, &across[lane % 8][lane / 8 % 2 * 8]);
      float d[4] = {1, 1, 1, 1}, e[4] = {2, 2, 2, 2};
      mma_bf16(d, left, right);
      mma_bf16(e, left, transposed);
      for (int i = 0; i < 4; i++) {
        int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        out[row * 8 + column] = d[i];
        out[128 + row * 8 + column] = e[i];
      }
    }`;
    const a = numbers(256, 11);
    const b = numbers(128, 5);
    const product = Array.from({ length: 128 }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < 16; k++) sum += a[Math.floor(i / 8) * 16 + k]! * b[k * 8 + (i % 8)]!;
      return sum;
    });
    const expected = [...product.map((value) => value + 1), ...product.map((value) => value + 2)];
    assert.deepEqual([...card.run(source, 32, [...a, ...b], 256)], expected);
  });

  test("asynchronous copies arrive at the wait for them, and not before", () => {
    const source = `${signature} {
      FETTLE_SHARED(bytes);
      float *tile = reinterpret_cast<float *>(bytes);
      int at = threadIdx.x * 4;
      copy_async16(tile + at, in + at, true);
      copy_async_commit();
      copy_async16(tile + 128 + at, in + at, false);
      copy_async_commit();
      out[threadIdx.x] = tile[at];
      copy_async_wait<1>();
      out[32 + threadIdx.x] = tile[at];
      out[64 + threadIdx.x] = tile[128 + at];
      copy_async_wait<0>();
      out[96 + threadIdx.x] = tile[128 + at];
    }`;
    const input = numbers(128, 3);
    const first = input.filter((_, i) => i % 4 === 0);
    const [nothing, zero] = [Array<number>(32).fill(Number.NaN), Array<number>(32).fill(0)];
    assert.deepEqual([...card.run(source, 32, input, 128, 1024)], [...nothing, ...first, ...nothing, ...zero]);
  });

  const mistakes: readonly [what: string, body: string, status: number, message: RegExp][] = [
    [
      "lanes that wait at different places",
      "if (threadIdx.x % 2) __shfl_sync(~0u, 1.f, 0); else __syncthreads();",
      719,
      /32 threads in __shfl_sync for lanes ffffffff.*32 threads in __syncthreads/s,
    ],
    [
      "a value of a lane that has gone",
      "if (threadIdx.x % 32) out[0] = __shfl_sync(~0u, 1.f, 0);",
      719,
      /lane 0, which takes no part/,
    ],
    [
      "a misaligned access",
      "out[0] = reinterpret_cast<const float4 *>(in + 1)->x;",
      716,
      /test\.cu:2: .*no multiple of 16/,
    ],
    ["an access outside memory", "out[threadIdx.x + 100000000] = 1;", 700, /thread \(0, 0, 0\): access to 0x/],
    [
      "an index outside an array",
      "__shared__ float values[4]; values[threadIdx.x] = 1; out[0] = values[0];",
      700,
      /index 4 is outside/,
    ],
    ["shared memory of 0 bytes", "FETTLE_SHARED(bytes); bytes[threadIdx.x] = 1;", 700, /access to 0x/],
  ];
  for (const [what, body, status, message] of mistakes) {
    test(`found: ${what}`, () => {
      const source = `${signature} {\n${body}\n}`;
      assert.throws(
        () => card.run(source, 64, [0], 1),
        (error) => error instanceof DriverError && error.status === status && message.test(error.message),
      );
    });
  }

  test("memory that no block has written yet is NaN", () => {
    const source = `${signature} {
      __shared__ float fixed[32];
      FETTLE_SHARED(bytes);
      if (in[0] > 0) fixed[3] = 1;
      out[0] = fixed[3];
      out[1] = reinterpret_cast<float *>(bytes)[5];
    }`;
    assert.deepEqual([...card.run(source, 1, [0], 2, 64)], [Number.NaN, Number.NaN]);
  });

  test("launches beyond what a card takes are refused", () => {
    const source = `extern "C" __global__ void __launch_bounds__(64) kernel(float *out, const float *in) {
      out[0] = in[0];
    }`;
    const refused = (status: number) => (error: unknown) => error instanceof DriverError && error.status === status;
    assert.deepEqual([...card.run(source, 64, [5], 1)], [5]);
    assert.throws(() => card.run(source, 65, [5], 1), refused(701));
    assert.throws(() => card.run(source, 64, [5], 1, 48 * 1024 + 1), refused(1));
  });

  test("memory runs out where it should, and comes back", () => {
    const { driver } = card;
    const { free, total } = driver.freeMemory();
    assert.ok(free < total);
    const address = driver.reserveAddresses(2 * total);
    assert.equal(driver.map(address, free + 2 ** 21, 0), false);
    assert.ok(driver.map(address, free, 0));
    assert.equal(driver.freeMemory().free, 0);
    driver.unmap(address, free);
    assert.equal(driver.freeMemory().free, free);
    driver.releaseAddresses(address, 2 * total);
  });

  test("products of all transpositions, with room between rows, sums and bias", () => {
    const { memory } = card;
    const [rows, columns, inner] = [5, 7, 9];
    const products = new Products({
      library: koffi.load(join(built.folder, "libcublasLt.so.13")),
      stream: 0,
      workspace: { address: memory, bytes: 1024 },
      borrow: () => assert.fail("small products are not timed"),
      time: () => assert.fail("small products are not timed"),
      choicesFile: undefined,
    });
    const [a, b, bias, before] = [numbers(200, 5), numbers(200, 7), numbers(columns, 3), numbers(rows * 12, 11)];
    for (const [transposeA, transposeB, adds] of [
      [false, false, false],
      [true, false, true],
      [false, true, true],
      [true, true, false],
    ] as const) {
      const view = (index: number, length: number): BufferView => ({
        buffer: { bytes: 0 },
        offset: 4096 + index * 1024,
        length,
        dtype: "f32",
      });
      const addressOf = ({ offset }: BufferView): number => memory + offset;
      const views = { a: view(0, 200), b: view(1, 200), bias: view(2, columns), d: view(3, rows * 12) };
      const contents = { a, b, bias, d: before };
      for (const name of ["a", "b", "bias", "d"] as const) card.write(addressOf(views[name]), contents[name]);
      const [lda, ldb, ldd, alpha] = [11, 10, 12, 2];
      const options = { transposeA, transposeB, alpha, start: adds ? views.d : undefined, ldstart: ldd };
      products.multiply({ rows, columns, inner, ...views, lda, ldb, ldd, ...options }, addressOf);
      const expected = before.map((old, i) => {
        const [row, column] = [Math.floor(i / ldd), i % ldd];
        if (column >= columns) return old;
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          sum += a[transposeA ? k * lda + row : row * lda + k]! * b[transposeB ? column * ldb + k : k * ldb + column]!;
        }
        return alpha * sum + (adds ? old : 0) + bias[column]!;
      });
      assert.deepEqual([...card.read(addressOf(views.d), before.length)], expected);
    }
    products.close();
  });

  test("a mistake in a source is told with its line", () => {
    const nvrtc = new Nvrtc(koffi.load(join(built.folder, "libnvrtc.so.13")));
    const outcome = nvrtc.compile({ name: "wrong.cu", text: "\nint x = y;", headers: {}, options: [] }, 90);
    assert.ok(!outcome.ok);
    assert.match(outcome.log, /wrong\.cu:2:/);
  });
});
