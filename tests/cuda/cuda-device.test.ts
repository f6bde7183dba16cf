/** The CUDA device by itself: bytes, memory, arguments of kernels, times. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { type CudaKernels, type CudaLauncher, cudaFunction } from "../../src/engine/device/cuda/launcher.ts";
import type { BufferView, DType } from "../../src/engine/device/device.ts";
import { cudaSkip, openCudaForTests } from "../helpers/cuda.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-cuda-test-"));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(
  join(folder, "probe.cu"),
  `#include "fettle.cuh"
  extern "C" __global__ void arguments(i64 *out, i32 i, u32 u, i64 l, float f, const float *p) {
    out[0] = i, out[1] = u, out[2] = l, out[3] = static_cast<i64>(f * 8), out[4] = p == nullptr;
    out[5] = sizeof(X) * 1000 + TILE;
  }
  extern "C" __global__ void places(i32 *out) {
    i64 at = (static_cast<i64>(blockIdx.z) * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    out[at * blockDim.x + threadIdx.x] = static_cast<i32>(at * 1000 + threadIdx.x);
  }
  extern "C" __global__ void reverse(float *x, i32 count) {
    FETTLE_SHARED(bytes);
    float *kept = reinterpret_cast<float *>(bytes);
    for (int i = threadIdx.x; i < count; i += blockDim.x) kept[i] = x[i];
    __syncthreads();
    for (int i = threadIdx.x; i < count; i += blockDim.x) x[i] = kept[count - 1 - i];
  }`,
);

const types = { X: "bf16" } as const;
const defines = { TILE: 7 };
const [probe, places, reverse] = [
  cudaFunction("probe.cu", "arguments", "p iulf p"),
  cudaFunction("probe.cu", "places", "p"),
  cudaFunction("probe.cu", "reverse", "pi"),
];
const kernels: CudaKernels = {
  arguments(cuda: CudaLauncher, out: BufferView, type: DType, tile: number) {
    const launch = { types: { X: type }, defines: { TILE: tile }, grid: [1], block: 1 } as const;
    cuda.run(probe, launch, [out, -5, 2 ** 32 - 1, -(2 ** 40) - 3, -0.375, null]);
  },
  too_few(cuda: CudaLauncher, out: BufferView) {
    cuda.run(probe, { types, defines, grid: [1], block: 1 }, [out, 1]);
  },
  places(cuda: CudaLauncher, out: BufferView) {
    cuda.run(places, { types, defines, grid: [3, 2, 4], block: 5 }, [out]);
    cuda.run(places, { types, defines, grid: [0], block: 5 }, [out]);
  },
  reverse(cuda: CudaLauncher, x: BufferView) {
    const copy = cuda.scratch(x.length, "f32");
    cuda.run(reverse, { types, defines, grid: [1], block: 64, shared: 4 * x.length }, [x, x.length]);
    return copy;
  },
};

describe("CudaDevice", { skip: cudaSkip }, () => {
  const device = openCudaForTests({ memoryBudget: 512 * 2 ** 20 }, { kernels, sourceFolder: folder });
  after(() => device.close());

  function allocated(bytes: number): (offset: number, length: number, dtype?: DType) => BufferView {
    const buffer = device.allocate(bytes);
    return (offset, length, dtype = "u8") => ({ buffer, offset, length, dtype });
  }

  function bytesOf(view: BufferView): Uint8Array {
    const bytes = new Uint8Array(view.length);
    device.read(view, bytes);
    return bytes;
  }

  it("moves bytes at any offset, in and out and across, however many", () => {
    const length = 75 * 2 ** 20 + 5;
    const source = new Uint8Array(length + 3).subarray(3);
    for (let i = 0; i < length; i++) source[i] = (i * 7919) >> 7;
    const [a, b] = [allocated(length + 8), allocated(length + 8)];
    device.write(a(1, length), source);
    device.copy(a(1, length), b(5, length));
    assert.ok(Buffer.from(source.buffer, 3).equals(bytesOf(b(5, length))));
    device.zero(b(6, length - 2));
    const left = bytesOf(b(5, length));
    assert.deepEqual([left[0], left[length - 1]], [source[0], source[length - 1]]);
    assert.ok(left.subarray(1, -1).every((byte) => byte === 0));
    for (const view of [a, b]) device.free(view(0, 1).buffer);
  });

  it("keeps thousands of small writes apart, whose source may change at once", () => {
    const view = allocated(3000 * 40_000);
    const source = new Uint8Array(40_000);
    for (let i = 0; i < 3000; i++) device.write(view(i * 40_000, 40_000), source.fill(i));
    const bytes = bytesOf(view(0, 3000 * 40_000));
    for (let i = 0; i < 3000; i++) {
      assert.deepEqual([bytes[i * 40_000], bytes[i * 40_000 + 39_999]], [i & 255, i & 255]);
    }
    device.free(view(0, 1).buffer);
  });

  it("hands numbers of every kind and size to kernels, with the macros of the launch", () => {
    const view = allocated(48);
    const expected = [-5n, 2n ** 32n - 1n, -(2n ** 40n) - 3n, -3n, 1n];
    for (const [type, tile, sizes] of [
      ["bf16", 16, 2016n],
      ["f32", 16, 4016n],
      ["f32", 32, 4032n],
      ["bf16", 16, 2016n],
    ] as const) {
      // Where a kernel takes a name or number, the launch passes it on as it is.
      device.launch("arguments", [view(0, 48), type as never, tile]);
      assert.deepEqual([...new BigInt64Array(bytesOf(view(0, 48)).slice().buffer)], [...expected, sizes]);
    }
    device.free(view(0, 1).buffer);
  });

  it("spreads blocks over three axes, and launches nothing for none", () => {
    const view = allocated(4 * 120);
    device.launch("places", [view(0, 120, "i32")]);
    const found = new Int32Array(bytesOf(view(0, 480)).slice().buffer);
    assert.deepEqual(
      [...found],
      Array.from({ length: 120 }, (_, i) => Math.floor(i / 5) * 1000 + (i % 5)),
    );
    device.free(view(0, 1).buffer);
  });

  it("allows a kernel much shared memory, and takes its scratch back", () => {
    for (const count of [100, 16_000, 20_000, 300]) {
      const view = allocated(4 * count);
      const floats = Float32Array.from({ length: count }, (_, i) => i);
      device.write(view(0, count, "f32"), new Uint8Array(floats.buffer));
      const { live } = device.memory();
      device.launch("reverse", [view(0, count, "f32")]);
      assert.equal(device.memory().live, live);
      const reversed = new Float32Array(bytesOf(view(0, 4 * count)).slice().buffer);
      assert.deepEqual(reversed, floats.toReversed());
      device.free(view(0, 1).buffer);
    }
  });

  it("aligns buffers to 512 bytes and starts the peak anew", () => {
    const before = device.memory().live;
    const buffers = [1, 100, 5000, 2 ** 23].map((bytes) => device.allocate(bytes));
    for (const buffer of buffers) {
      assert.equal((buffer as unknown as { allocation: { address: number } }).allocation.address % 512, 0);
    }
    const { live, peak } = device.memory();
    assert.ok(live - before >= 5101 + 2 ** 23 && peak >= live);
    for (const buffer of buffers) device.free(buffer);
    device.resetPeak();
    assert.deepEqual([device.memory().live, device.memory().peak], [before, before]);
  });

  it("keeps to its budget, says what is there when it does not suffice, and goes on", () => {
    const before = device.memory().live;
    const held = [200, 200].map((mib) => device.allocate(mib * 2 ** 20));
    assert.throws(
      () => device.allocate(150 * 2 ** 20),
      (error) =>
        error instanceof UserError &&
        error.code === "device/out-of-memory" &&
        /150 MiB more were needed beside \d+ MiB in use; of the budget of 512 MiB, .* card has \d+ MiB free/.test(
          error.message,
        ) &&
        /packing\.max_tokens.*recompute: full/.test(error.fix ?? ""),
    );
    device.free(held[0]!);
    device.free(device.allocate(150 * 2 ** 20));
    device.free(held[1]!);
    const { live, cached } = device.memory();
    assert.ok(live === before && live + cached <= 512 * 2 ** 20);
  });

  it("makes room out of free pieces that lie scattered, and what is in use stays as it is", () => {
    const before = device.memory().live;
    const views = Array.from({ length: 10 }, () => allocated(40 * 2 ** 20));
    for (const [i, view] of views.entries()) device.write(view(1000, 1), Uint8Array.of(i));
    const [kept, freed] = [views.filter((_, i) => i % 3 === 0), views.filter((_, i) => i % 3 !== 0)];
    for (const view of freed) device.free(view(0, 1).buffer);
    const large = allocated(150 * 2 ** 20);
    device.zero(large(0, 150 * 2 ** 20));
    assert.deepEqual(
      kept.map((view) => bytesOf(view(1000, 1))[0]),
      [0, 3, 6, 9],
    );
    assert.ok(bytesOf(large(0, 150 * 2 ** 20)).every((byte) => byte === 0));
    for (const view of [...kept, large]) device.free(view(0, 1).buffer);
    const { live, cached } = device.memory();
    assert.ok(live === before && live + cached <= 512 * 2 ** 20);
  });

  it("catches what would be silent on the card", () => {
    const view = allocated(16);
    assert.throws(() => device.zero(view(8, 9)), /outside/);
    assert.throws(() => device.zero(view(-1, 4)), /outside/);
    assert.throws(() => device.write(view(8, 8), new Uint8Array(9)), /8 bytes/);
    assert.throws(() => device.copy(view(0, 8), view(4, 3, "f32")), /8 bytes/);
    assert.throws(() => device.launch("no_such_kernel", []), /no_such_kernel/);
    assert.throws(() => device.launch("too_few", [view(0, 8)]), /6 arguments, 2 were given/);
    device.free(view(0, 1).buffer);
    assert.throws(() => device.zero(view(0, 1)), /freed/);
    assert.throws(() => device.free(view(0, 1).buffer), /freed/);
  });

  it("times what runs on it, launch by launch", () => {
    const view = allocated(4 * 120);
    const launch = (): void => device.launch("places", [view(0, 120, "i32")]);
    assert.ok(device.time(launch) > 0);
    const rows = device.profile(() => {
      for (let i = 0; i < 3; i++) launch();
    });
    assert.deepEqual(
      rows.map(({ name, count }) => [name, count]),
      [["places", 3]],
    );
    assert.ok(rows[0]!.milliseconds > 0);
    device.free(view(0, 1).buffer);
  });

  it("says what it is", () => {
    assert.equal(device.precision, "bf16");
    assert.equal(device.activations, "bf16");
    assert.equal(device.description, `cuda: ${device.properties.name}, 0.5 GiB, bf16`);
  });
});
