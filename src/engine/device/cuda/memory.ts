/**
 * Memory of the card: two reserved ranges of addresses, one for large buffers and one for small, which would leave the
 * large one full of gaps. Memory is mapped under them in chunks as they grow, up to a budget. All work runs on one
 * stream, so a freed block may be handed out at once: what still uses it runs before what will.
 */
import { UserError } from "../../../base/errors.ts";
import type { MemoryUse } from "../device.ts";
import { Arena, type Block } from "./arena.ts";
import type { Driver } from "./driver.ts";

export interface CudaMemoryOptions {
  readonly driver: Driver;
  readonly device: number;
  /** Most bytes to take from the card. */
  readonly budget: number;
  /** Bytes of the card. */
  readonly total: number;
}

/** Bytes of the card that belong to someone. */
export interface Allocation {
  readonly address: number;
  readonly range: Range;
  readonly block: Block;
}

const MIB = 2 ** 20;
/** Kernels read 16 bytes at a time; a multiple of 512 also keeps buffers in separate lines of every cache. */
const ALIGNMENT = 512;
/** Buffers below it are small. */
const LARGE_FROM = MIB;
const LARGE_CHUNK = 64 * MIB;
const SMALL_CHUNK = 8 * MIB;

export class CudaMemory {
  readonly #driver: Driver;
  readonly #budget: Budget;
  readonly #large: Range;
  readonly #small: Range;
  #peak = 0;

  constructor({ driver, device, budget, total }: CudaMemoryOptions) {
    this.#driver = driver;
    this.#budget = { bytes: budget, taken: 0 };
    this.#large = new Range(driver, device, total, LARGE_CHUNK, this.#budget);
    this.#small = new Range(driver, device, total, SMALL_CHUNK, this.#budget);
  }

  /** @throws UserError `device/out-of-memory` */
  allocate(bytes: number): Allocation {
    const ranges = bytes < LARGE_FROM ? [this.#small, this.#large] : [this.#large];
    for (const range of ranges) {
      const block = range.arena.allocate(bytes);
      if (block === undefined) continue;
      this.#peak = Math.max(this.#peak, this.#live);
      return { address: range.address + block.offset, range, block };
    }
    throw this.#outOfMemory(bytes);
  }

  free({ range, block }: Allocation): void {
    range.arena.release(block);
  }

  use(): MemoryUse {
    return { live: this.#live, cached: this.#budget.taken - this.#live, peak: this.#peak };
  }

  resetPeak(): void {
    this.#peak = this.#live;
  }

  /** Gives all back to the card, once nothing runs that uses it. */
  close(): void {
    this.#large.close();
    this.#small.close();
  }

  get #live(): number {
    return this.#large.arena.live + this.#small.arena.live;
  }

  #outOfMemory(bytes: number): UserError {
    const { bytes: budget, taken } = this.#budget;
    const { free } = this.#driver.freeMemory();
    const largest = this.#large.arena.largestFree;
    return new UserError({
      code: "device/out-of-memory",
      message:
        `out of GPU memory: ${inMiB(bytes)} more were needed beside ${inMiB(this.#live)} in use; of the budget of ` +
        `${inMiB(budget)}, ${inMiB(budget - taken)} are not taken yet, the largest free block has ${inMiB(largest)}, ` +
        `and the card has ${inMiB(free)} free`,
      fix:
        "lower packing.max_tokens or training.batch_size, set training.recompute: full, take method: qlora, or raise " +
        "memory_budget where one is set",
    });
  }
}

interface Budget {
  readonly bytes: number;
  taken: number;
}

/** Addresses of which a part, from the beginning on, has memory under it. */
class Range {
  readonly address: number;
  readonly arena: Arena;
  readonly #driver: Driver;
  readonly #device: number;
  readonly #capacity: number;
  readonly #chunk: number;
  readonly #granularity: number;
  readonly #budget: Budget;

  constructor(driver: Driver, device: number, capacity: number, chunk: number, budget: Budget) {
    this.#driver = driver;
    this.#device = device;
    this.#granularity = driver.granularity(device);
    this.#capacity = roundUp(capacity, this.#granularity);
    this.#chunk = chunk;
    this.#budget = budget;
    this.address = driver.reserveAddresses(this.#capacity);
    this.arena = new Arena({ alignment: ALIGNMENT, grow: (bytes) => this.#grow(bytes) });
  }

  close(): void {
    if (this.arena.size > 0) this.#driver.unmap(this.address, this.arena.size);
    this.#driver.releaseAddresses(this.address, this.#capacity);
  }

  /** By a chunk, or by as little as will do where a chunk is not to be had. */
  #grow(bytes: number): number {
    for (const step of [this.#chunk, this.#granularity]) {
      const size = roundUp(bytes, Math.max(step, this.#granularity));
      if (this.arena.size + size > this.#capacity || this.#budget.taken + size > this.#budget.bytes) continue;
      if (!this.#driver.map(this.address + this.arena.size, size, this.#device)) continue;
      this.#budget.taken += size;
      return size;
    }
    return 0;
  }
}

function roundUp(bytes: number, step: number): number {
  return Math.ceil(bytes / step) * step;
}

function inMiB(bytes: number): string {
  return `${(bytes / MIB).toFixed(bytes < 16 * MIB ? 1 : 0)} MiB`;
}
