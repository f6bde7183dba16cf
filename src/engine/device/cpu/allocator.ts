import { UserError } from "../../../base/errors.ts";
import type { MemoryUse } from "../device.ts";

/** Where the allocator gets memory from. Addresses are numbers; 0 means there was none. */
export interface SystemMemory {
  allocate(bytes: number): number;
  free(address: number): void;
  /** Bytes the process may still take. */
  available(): number;
}

/** Below this a look at the system's free memory costs more than it is worth. */
const checkedFrom = 16 * 2 ** 20;

/** Freed blocks are kept until held memory is this far above the most that was ever live. */
const slackFactor = 1.25;
const slackBytes = 64 * 2 ** 20;

/**
 * Keeps freed blocks for the next request of their size class: training asks for the same sizes in every step, and
 * memory fresh from the system costs a page fault per page.
 */
export class CachingAllocator {
  readonly #system: SystemMemory;
  /** Addresses of free blocks by size; sizes used longest ago first. */
  readonly #free = new Map<number, number[]>();
  #live = 0;
  #cached = 0;
  #peak = 0;

  constructor(system: SystemMemory) {
    this.#system = system;
  }

  /**
   * Address of at least `bytes` bytes, contents undefined.
   * @throws UserError `device/out-of-memory`
   */
  allocate(bytes: number): number {
    const size = sizeClass(bytes);
    const blocks = this.#free.get(size);
    let address = blocks?.pop();
    if (address !== undefined) this.#cached -= size;
    else address = this.#fromSystem(size, bytes);
    this.#live += size;
    this.#peak = Math.max(this.#peak, this.#live);
    return address;
  }

  /** Takes back what `allocate(bytes)` gave. */
  free(address: number, bytes: number): void {
    const size = sizeClass(bytes);
    const blocks = this.#free.get(size) ?? [];
    blocks.push(address);
    this.#free.delete(size);
    this.#free.set(size, blocks);
    this.#live -= size;
    this.#cached += size;
    this.#trim(Math.max(0, this.#peak * slackFactor + slackBytes - this.#live));
  }

  memory(): MemoryUse {
    return { live: this.#live, cached: this.#cached, peak: this.#peak };
  }

  resetPeak(): void {
    this.#peak = this.#live;
  }

  /** Gives every free block back to the system. */
  clear(): void {
    this.#trim(0);
  }

  #fromSystem(size: number, bytes: number): number {
    const enough = (): boolean => size < checkedFrom || size <= this.#system.available();
    // The system may promise more memory than it has and end the process later, so it is asked first.
    let address = enough() ? this.#system.allocate(size) : 0;
    if (address === 0 && this.#cached > 0) {
      this.clear();
      address = enough() ? this.#system.allocate(size) : 0;
    }
    if (address !== 0) return address;
    throw new UserError({
      code: "device/out-of-memory",
      message: `out of memory: ${inMiB(bytes)} more were needed beside ${inMiB(this.#live)} in use, and the system has ${inMiB(this.#system.available())} left`,
      fix: "use smaller packs or batches, turn recomputation on, or take a smaller model",
    });
  }

  #trim(limit: number): void {
    for (const [size, blocks] of this.#free) {
      while (this.#cached > limit && blocks.length > 0) {
        this.#system.free(blocks.pop()!);
        this.#cached -= size;
      }
      if (blocks.length > 0) return;
      this.#free.delete(size);
    }
  }
}

/** Eight sizes to each power of two: at most an eighth is wasted. */
export function sizeClass(bytes: number): number {
  const atLeast = Math.max(bytes, 512);
  const step = 2 ** (Math.floor(Math.log2(atLeast)) - 3);
  return Math.ceil(atLeast / step) * step;
}

function inMiB(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 24 ? 1 : 0)} MiB`;
}
