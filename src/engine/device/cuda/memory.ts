/**
 * Memory of the card: two reserved ranges of addresses, one for large buffers and one for small, which would leave the
 * large one full of gaps. Memory is mapped under them in chunks as they grow, up to a budget; where what is free lies
 * scattered, chunks of it are moved to the end of the range. All work runs on one stream, so a freed block may be handed
 * out at once: what still uses it runs before what will.
 */
import { freemem } from "node:os";
import { UserError } from "../../../base/errors.ts";
import type { MemoryUse } from "../device.ts";
import { Arena, type Block } from "./arena.ts";
import { type Driver, DriverError, driverStatus } from "./driver.ts";

export interface CudaMemoryOptions {
  readonly driver: Driver;
  readonly device: number;
  /** That all work runs on. */
  readonly stream: number;
  /** Most bytes to take from the card. */
  readonly budget: number;
  /** Bytes of the card. */
  readonly total: number;
}

/** Bytes of the card that belong to someone. */
export interface CardMemory {
  readonly kind: "card";
  readonly address: number;
  readonly range: Range;
  readonly block: Block;
}

/** Bytes of the host that the card reaches by the same address, over the bus. */
export interface PinnedMemory {
  readonly kind: "pinned";
  readonly address: number;
}

const MIB = 2 ** 20;
/** Kernels read 16 bytes at a time; a multiple of 512 also keeps buffers in separate lines of every cache. */
const ALIGNMENT = 512;
/** Buffers below it are small. */
const LARGE_FROM = MIB;
const LARGE_CHUNK = 32 * MIB;
const SMALL_CHUNK = 8 * MIB;
/** Addresses reserved for each byte of the card: those that chunks are moved away from are not used again. */
const ADDRESSES_EACH = 8;

export class CudaMemory {
  readonly #driver: Driver;
  readonly #stream: number;
  readonly #budget: Budget;
  readonly #large: Range;
  readonly #small: Range;
  #peak = 0;

  constructor({ driver, device, stream, budget, total }: CudaMemoryOptions) {
    this.#driver = driver;
    this.#stream = stream;
    this.#budget = { bytes: budget, taken: 0 };
    const capacity = total * ADDRESSES_EACH;
    this.#large = new Range({ driver, device, capacity, chunk: LARGE_CHUNK, budget: this.#budget });
    this.#small = new Range({ driver, device, capacity, chunk: SMALL_CHUNK, budget: this.#budget });
  }

  /** @throws UserError `device/out-of-memory` */
  allocate(bytes: number): CardMemory {
    const allocation = this.#tryAllocate(bytes) ?? this.#tryAfterMoving(bytes);
    if (allocation === undefined) throw this.#outOfMemory(bytes);
    this.#peak = Math.max(this.#peak, this.#live);
    return allocation;
  }

  #tryAllocate(bytes: number): CardMemory | undefined {
    for (const range of bytes < LARGE_FROM ? [this.#small, this.#large] : [this.#large]) {
      const block = range.arena.allocate(bytes);
      if (block !== undefined) return { kind: "card", address: range.address + block.offset, range, block };
    }
    return undefined;
  }

  /** Once more, with free chunks of the large range taken from where they are, if they suffice. */
  #tryAfterMoving(bytes: number): CardMemory | undefined {
    const chunks = this.#large.chunksToMove(bytes);
    if (chunks === undefined) return undefined;
    // What was launched may still read what was freed since.
    this.#driver.synchronize(this.#stream);
    this.#large.unmap(chunks);
    return this.#tryAllocate(bytes);
  }

  free({ range, block }: CardMemory): void {
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

/** @throws UserError where the host has too little: pinned memory is never swapped out, so it must be free now */
export function allocatePinned(driver: Driver, bytes: number): PinnedMemory {
  const free = freemem();
  try {
    if (bytes <= free) return { kind: "pinned", address: driver.allocatePinned(Math.max(1, bytes)) };
  } catch (error) {
    if (!(error instanceof DriverError) || error.status !== driverStatus.outOfMemory) throw error;
  }
  throw new UserError({
    code: "device/out-of-host-memory",
    message: `${inMiB(bytes)} of the host's memory were needed for the GPU to use, of ${inMiB(free)} free`,
    fix: "close other programs, or take training.optim: paged_adamw_8bit, method: lora or method: qlora",
  });
}

/** Of the card's memory; never more than the card turned out to have. */
interface Budget {
  bytes: number;
  taken: number;
}

interface RangeOptions {
  readonly driver: Driver;
  readonly device: number;
  /** Bytes of addresses. */
  readonly capacity: number;
  /** Bytes that memory is mapped in. */
  readonly chunk: number;
  readonly budget: Budget;
}

/** Memory mapped in one piece, by its place in a range. */
interface Chunk {
  readonly offset: number;
  readonly size: number;
}

/** Chunks beside each other, inside a free block. */
interface FreeChunks {
  readonly block: Block;
  readonly chunks: readonly Chunk[];
}

/** Addresses with memory under them, from the beginning on, but for places that chunks were moved away from. */
class Range {
  readonly address: number;
  readonly arena: Arena;
  readonly #options: RangeOptions;
  readonly #capacity: number;
  readonly #granularity: number;
  /** By offset. */
  #chunks: Chunk[] = [];

  constructor(options: RangeOptions) {
    this.#options = options;
    const { driver, device, capacity } = options;
    this.#granularity = driver.granularity(device);
    this.#capacity = roundUp(capacity, this.#granularity);
    this.address = driver.reserveAddresses(this.#capacity);
    this.arena = new Arena({ alignment: ALIGNMENT, grow: (bytes) => this.#grow(bytes) });
  }

  /** Free chunks that would make room for `bytes` at the end of the range; undefined where they do not suffice. */
  chunksToMove(bytes: number): FreeChunks[] | undefined {
    const { budget } = this.#options;
    let missing = roundUp(bytes - this.arena.freeAtEnd, this.#granularity) - (budget.bytes - budget.taken);
    const found: FreeChunks[] = [];
    for (const block of this.arena.freeBlocks()) {
      if (missing <= 0) break;
      const inside = this.#chunks.filter(
        ({ offset, size }) => offset >= block.offset && offset + size <= block.offset + block.size,
      );
      const chunks: Chunk[] = [];
      for (const chunk of inside) {
        if (missing <= 0) break;
        chunks.push(chunk);
        missing -= chunk.size;
      }
      if (chunks.length > 0) found.push({ block, chunks });
    }
    return missing <= 0 ? found : undefined;
  }

  /** Takes chunks back whose places are free. */
  unmap(free: readonly FreeChunks[]): void {
    const gone = new Set<Chunk>();
    for (const { block, chunks } of free) {
      const last = chunks[chunks.length - 1]!;
      this.arena.retire(block, chunks[0]!.offset, last.offset + last.size);
      for (const chunk of chunks) {
        this.#options.driver.unmap(this.address + chunk.offset, chunk.size);
        this.#options.budget.taken -= chunk.size;
        gone.add(chunk);
      }
    }
    this.#chunks = this.#chunks.filter((chunk) => !gone.has(chunk));
  }

  close(): void {
    const { driver } = this.#options;
    for (const { offset, size } of this.#chunks) driver.unmap(this.address + offset, size);
    driver.releaseAddresses(this.address, this.#capacity);
  }

  /** By whole chunks, the last of them as small as will do where a whole one is not to be had. */
  #grow(bytes: number): number {
    const { driver, device, chunk, budget } = this.#options;
    const begin = this.arena.size;
    const wholeChunks = roundUp(bytes, chunk) <= budget.bytes - budget.taken;
    const target = roundUp(bytes, wholeChunks ? chunk : this.#granularity);
    if (begin + target > this.#capacity || budget.taken + target > budget.bytes) return 0;
    let grown = 0;
    while (grown < target) {
      const size = Math.min(chunk, target - grown);
      if (!driver.map(this.address + begin + grown, size, device)) {
        // Others hold the rest of the card.
        budget.bytes = budget.taken;
        break;
      }
      this.#chunks.push({ offset: begin + grown, size });
      budget.taken += size;
      grown += size;
    }
    return grown;
  }
}

function roundUp(bytes: number, step: number): number {
  return Math.ceil(bytes / step) * step;
}

function inMiB(bytes: number): string {
  return `${(bytes / MIB).toFixed(bytes < 16 * MIB ? 1 : 0)} MiB`;
}
