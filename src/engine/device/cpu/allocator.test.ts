import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UserError } from "../../../base/errors.ts";
import { CachingAllocator, type SystemMemory, sizeClass } from "./allocator.ts";

/** Addresses that never touch memory: a counter and a limit. */
function system(limit: number): SystemMemory & { readonly held: () => number } {
  const sizes = new Map<number, number>();
  let next = 4096;
  const held = (): number => [...sizes.values()].reduce((a, b) => a + b, 0);
  return {
    allocate(bytes) {
      if (held() + bytes > limit) return 0;
      const address = next;
      next += bytes;
      sizes.set(address, bytes);
      return address;
    },
    free(address) {
      assert.ok(sizes.delete(address), "freed what was not allocated");
    },
    available: () => limit - held(),
    held,
  };
}

const MiB = 2 ** 20;

describe("CachingAllocator", () => {
  it("wastes at most an eighth", () => {
    for (let bytes = 512; bytes < 2 ** 40; bytes = Math.ceil(bytes * 1.0371)) {
      const size = sizeClass(bytes);
      assert.ok(size >= bytes && size <= bytes * 1.125, `${bytes} -> ${size}`);
    }
  });

  it("gives a freed block to the next request of its size class", () => {
    const allocator = new CachingAllocator(system(Number.POSITIVE_INFINITY));
    const a = allocator.allocate(1000);
    const b = allocator.allocate(1000);
    assert.notEqual(a, b);
    allocator.free(a, 1000);
    assert.deepEqual(allocator.memory(), { live: 1024, cached: 1024, peak: 2048 });
    assert.equal(allocator.allocate(1001), a);
    assert.deepEqual(allocator.memory(), { live: 2048, cached: 0, peak: 2048 });
  });

  it("holds not much more than was ever live", () => {
    const memory = system(Number.POSITIVE_INFINITY);
    const allocator = new CachingAllocator(memory);
    for (let size = 100 * MiB; size < 200 * MiB; size += 10 * MiB) {
      allocator.free(allocator.allocate(size), size);
      const { live, cached, peak } = allocator.memory();
      assert.equal(memory.held(), live + cached);
      assert.ok(live + cached <= 1.25 * peak + 64 * MiB);
    }
    allocator.clear();
    assert.equal(memory.held(), 0);
  });

  it("empties its cache before it gives up, and says what was asked and what was left", () => {
    const allocator = new CachingAllocator(system(100 * MiB));
    allocator.free(allocator.allocate(60 * MiB), 60 * MiB);
    const address = allocator.allocate(80 * MiB);
    assert.throws(
      () => allocator.allocate(40 * MiB),
      (error) => {
        assert.ok(error instanceof UserError);
        assert.equal(error.code, "device/out-of-memory");
        assert.match(error.message, /40 MiB more .* 80 MiB in use.* 20 MiB left/);
        return true;
      },
    );
    allocator.free(address, 80 * MiB);
    allocator.allocate(40 * MiB);
  });
});
