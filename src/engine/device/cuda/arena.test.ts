import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../../../base/random.ts";
import { Arena, type Block } from "./arena.ts";

const ALIGNMENT = 512;
const CHUNK = 64 * ALIGNMENT;

/** An arena that may grow to `capacity` bytes, by chunks while they last. */
function arenaOf(capacity: number): Arena {
  let left = capacity;
  return new Arena({
    alignment: ALIGNMENT,
    grow(bytes) {
      const wanted = Math.ceil(bytes / CHUNK) * CHUNK;
      const size = wanted <= left ? wanted : Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
      if (size > left) return 0;
      left -= size;
      return size;
    },
  });
}

function expectBlock(block: Block | undefined, offset: number, size: number): Block {
  assert.deepEqual([block?.offset, block?.size], [offset, size]);
  return block!;
}

describe("Arena", () => {
  it("takes the smallest free block that fits, the first of equals", () => {
    const arena = arenaOf(CHUNK);
    const blocks = [8, 1, 4, 1, 4, 1].map((units) => arena.allocate(units * ALIGNMENT)!);
    for (const at of [4, 0, 2]) arena.release(blocks[at]!);
    expectBlock(arena.allocate(3 * ALIGNMENT), 9 * ALIGNMENT, 3 * ALIGNMENT);
    expectBlock(arena.allocate(4 * ALIGNMENT - 100), 14 * ALIGNMENT, 4 * ALIGNMENT);
    expectBlock(arena.allocate(1), 12 * ALIGNMENT, ALIGNMENT);
    expectBlock(arena.allocate(5 * ALIGNMENT), 0, 5 * ALIGNMENT);
  });

  it("joins freed neighbours on both sides, and what is grown to a free end", () => {
    const arena = arenaOf(3 * CHUNK);
    const [a, b, c] = [1, 2, 3].map((units) => arena.allocate(units * ALIGNMENT)!);
    arena.release(a!);
    arena.release(c!);
    arena.release(b!);
    assert.equal(arena.largestFree, CHUNK);
    expectBlock(arena.allocate(CHUNK + 1), 0, CHUNK + ALIGNMENT);
    assert.equal(arena.size, 2 * CHUNK);
  });

  it("grows by less than a chunk at the end of its memory, and then not at all", () => {
    const arena = arenaOf(CHUNK + 3 * ALIGNMENT);
    arena.allocate(CHUNK);
    expectBlock(arena.allocate(2 * ALIGNMENT), CHUNK, 2 * ALIGNMENT);
    assert.equal(arena.allocate(2 * ALIGNMENT), undefined);
    expectBlock(arena.allocate(ALIGNMENT), CHUNK + 2 * ALIGNMENT, ALIGNMENT);
    assert.equal(arena.live, CHUNK + 3 * ALIGNMENT);
  });

  it("takes a part of a free block out of use, and leaves the rest on both sides", () => {
    const arena = arenaOf(2 * CHUNK);
    const [a, b, c] = [20, 10, 2].map((units) => arena.allocate(units * ALIGNMENT)!);
    arena.release(a!);
    assert.deepEqual([arena.freeBlocks().map(({ size }) => size / ALIGNMENT), arena.freeAtEnd / ALIGNMENT], [[20], 32]);
    arena.retire(arena.freeBlocks()[0]!, 4 * ALIGNMENT, 12 * ALIGNMENT);
    expectBlock(arena.allocate(8 * ALIGNMENT), 12 * ALIGNMENT, 8 * ALIGNMENT);
    expectBlock(arena.allocate(3 * ALIGNMENT), 0, 3 * ALIGNMENT);
    arena.release(b!);
    arena.release(c!);
    expectBlock(arena.allocate(40 * ALIGNMENT), 20 * ALIGNMENT, 40 * ALIGNMENT);
    assert.equal(arena.live, 51 * ALIGNMENT);
  });

  it("keeps what a growth that fell short has brought", () => {
    const arena = new Arena({ alignment: ALIGNMENT, grow: () => 2 * ALIGNMENT });
    assert.equal(arena.allocate(5 * ALIGNMENT), undefined);
    assert.equal(arena.largestFree, 2 * ALIGNMENT);
    expectBlock(arena.allocate(4 * ALIGNMENT), 0, 4 * ALIGNMENT);
  });

  it("gives an empty buffer a place of its own, and frees nothing twice", () => {
    const arena = arenaOf(CHUNK);
    const [a, b] = [arena.allocate(0)!, arena.allocate(0)!];
    assert.notEqual(a.offset, b.offset);
    arena.release(a);
    assert.throws(() => arena.release(a), /twice/);
  });

  it("agrees with a map of owners through thousands of random requests", () => {
    const units = 4096;
    const arena = arenaOf(units * ALIGNMENT);
    const random = new Random(7, "arena");
    /** Who owns each unit of the range; 0: no one; -1: out of use. */
    const owner = new Int32Array(units);
    const live = new Map<number, Block>();
    const range = (block: Block): [number, number] => [
      block.offset / ALIGNMENT,
      (block.offset + block.size) / ALIGNMENT,
    ];
    for (let id = 1; id <= 20_000; id++) {
      const full = arena.live > 0.8 * units * ALIGNMENT;
      if (live.size > 0 && (full || random.uniform() < 0.45)) {
        const victim = [...live.keys()][random.integer(live.size)]!;
        const [begin, end] = range(live.get(victim)!);
        assert.ok(owner.subarray(begin, end).every((unit) => unit === victim));
        owner.fill(0, begin, end);
        arena.release(live.get(victim)!);
        live.delete(victim);
      } else {
        const bytes = Math.floor(2 ** (random.uniform() * 8) * ALIGNMENT) - random.integer(ALIGNMENT);
        const block = arena.allocate(bytes);
        const needed = Math.ceil(bytes / ALIGNMENT);
        if (block === undefined) {
          assert.ok(longestRun(owner) < needed, `${needed} units were refused, and ${longestRun(owner)} are free`);
          continue;
        }
        const [begin, end] = range(block);
        assert.equal(end - begin, needed);
        assert.ok(owner.subarray(begin, end).every((unit) => unit === 0));
        owner.fill(id, begin, end);
        live.set(id, block);
      }
      if (id % 1000 === 0 && id < 10_000 && arena.freeBlocks().length > 0) {
        const block = arena.freeBlocks()[random.integer(arena.freeBlocks().length)]!;
        const [begin, end] = range(block);
        const [from, to] = [begin + random.integer(end - begin), end].map((unit) => unit * ALIGNMENT);
        arena.retire(block, from!, to!);
        owner.fill(-1, from! / ALIGNMENT, to! / ALIGNMENT);
      }
      if (id % 500 === 0) {
        const owned = owner.reduce((count, unit) => count + (unit > 0 ? 1 : 0), 0);
        assert.equal(arena.live, owned * ALIGNMENT);
        assert.equal(arena.largestFree, longestRun(owner.subarray(0, arena.size / ALIGNMENT)) * ALIGNMENT);
      }
    }
    for (const block of live.values()) arena.release(block);
    assert.equal(arena.live, 0);
    assert.equal(arena.largestFree, longestRun(owner.map((unit) => Math.min(unit, 0))) * ALIGNMENT);
  });

  it("serves the steps of a training run without growing after the first", () => {
    const arena = arenaOf(2 ** 30);
    const random = new Random(3, "arena");
    const sizes = Array.from({ length: 200 }, () => 1 + random.integer(40 * ALIGNMENT));
    const step = (): void => {
      const blocks = sizes.map((bytes) => arena.allocate(bytes)!);
      for (const block of blocks.reverse()) arena.release(block);
    };
    for (let parameter = 0; parameter < 50; parameter++) arena.allocate(1 + random.integer(100 * ALIGNMENT));
    step();
    const size = arena.size;
    for (let i = 0; i < 20; i++) step();
    assert.equal(arena.size, size);
  });
});

function longestRun(owner: Int32Array): number {
  let longest = 0;
  let run = 0;
  for (const unit of owner) {
    run = unit === 0 ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}
