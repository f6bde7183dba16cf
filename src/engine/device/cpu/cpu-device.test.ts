import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BufferView, DType } from "../device.ts";
import { openCpuDevice } from "./cpu-device.ts";

const opened = await openCpuDevice({ threads: 2, kernelSources: [] });
const skip = opened.device === undefined ? opened.reason : false;

describe("CpuDevice", { skip }, () => {
  const device = opened.device!;

  function allocated(bytes: number): { view: (offset: number, length: number, dtype?: DType) => BufferView } {
    const buffer = device.allocate(bytes);
    return { view: (offset, length, dtype = "u8") => ({ buffer, offset, length, dtype }) };
  }

  function bytesOf(view: BufferView): Uint8Array {
    const bytes = new Uint8Array(view.length);
    device.read(view, bytes);
    return bytes;
  }

  it("moves bytes at any offset, in and out and across", () => {
    const length = 3 * 2 ** 20 + 5;
    const source = Uint8Array.from({ length: length + 3 }, (_, i) => (i * 7919) >> 3).subarray(3);
    const a = allocated(length + 8);
    const b = allocated(length + 8);
    device.write(a.view(1, length), source);
    device.copy(a.view(1, length), b.view(5, length));
    assert.deepEqual(Buffer.compare(bytesOf(b.view(5, length)), source), 0);
    device.zero(b.view(6, length - 2));
    const left = bytesOf(b.view(5, length));
    assert.deepEqual([left[0], left[length - 1]], [source[0], source[length - 1]]);
    assert.ok(left.subarray(1, -1).every((byte) => byte === 0));
    for (const { view } of [a, b]) device.free(view(0, 1).buffer);
  });

  it("aligns buffers to 64 bytes and starts the peak anew", () => {
    const before = device.memory().live;
    const buffers = [1, 100, 5000, 2 ** 23].map((bytes) => device.allocate(bytes));
    for (const buffer of buffers) assert.equal((buffer as unknown as { address: number }).address % 64, 0);
    const { live, peak } = device.memory();
    assert.ok(live - before >= 5101 + 2 ** 23 && peak >= live);
    for (const buffer of buffers) device.free(buffer);
    device.resetPeak();
    assert.deepEqual([device.memory().live, device.memory().peak], [before, before]);
  });

  it("catches what would be silent in C", () => {
    const { view } = allocated(16);
    assert.throws(() => device.zero(view(8, 9)), /outside/);
    assert.throws(() => device.zero(view(-1, 4)), /outside/);
    assert.throws(() => device.write(view(8, 8), new Uint8Array(9)), /8 bytes/);
    assert.throws(() => device.copy(view(0, 8), view(4, 3, "f32")), /8 bytes/);
    assert.throws(() => device.launch("no_such_kernel", []), /no_such_kernel/);
    device.free(view(0, 1).buffer);
    assert.throws(() => device.zero(view(0, 1)), /freed/);
    assert.throws(() => device.free(view(0, 1).buffer), /freed/);
  });

  it("says what it is", () => {
    assert.equal(device.threads, 2);
    assert.match(device.description, /^cpu: 2 threads, \d+-bit vectors, /);
  });
});
