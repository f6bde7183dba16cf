/**
 * Which part of a range of addresses belongs to whom. Pure arithmetic over offsets: the range begins empty and grows at
 * its end when `grow` can put memory there. A request takes the smallest free block that fits, the first of equals, and
 * freed neighbours become one block, so that what a step frees serves the next step whole.
 */

/** A part of the range. All but reading its place is the arena's business. */
export interface Block {
  offset: number;
  size: number;
  free: boolean;
  previous: Block | undefined;
  next: Block | undefined;
}

export interface ArenaOptions {
  /** Offsets and sizes are multiples of it. */
  readonly alignment: number;
  /** Makes at least `bytes` more usable behind the end of the range. @returns how many; fewer where it cannot */
  readonly grow: (bytes: number) => number;
}

export class Arena {
  readonly #options: ArenaOptions;
  /** Free blocks, by size and then by offset. */
  readonly #free: Block[] = [];
  #last: Block | undefined;
  #live = 0;
  #size = 0;

  constructor(options: ArenaOptions) {
    this.#options = options;
  }

  /** Bytes of blocks that are allocated. */
  get live(): number {
    return this.#live;
  }

  /** Bytes of the range. */
  get size(): number {
    return this.#size;
  }

  get largestFree(): number {
    return this.#free[this.#free.length - 1]?.size ?? 0;
  }

  /** Free blocks, the largest first; the one at the end of the range, which would grow, is not among them. */
  freeBlocks(): Block[] {
    return this.#free.filter((block) => block !== this.#last).reverse();
  }

  /** How much is free at the end of the range. */
  get freeAtEnd(): number {
    return this.#last?.free ? this.#last.size : 0;
  }

  /** Takes the offsets from `begin` to `end`, all inside a free block, out of use for good. */
  retire(block: Block, begin: number, end: number): void {
    this.#forget(block);
    if (block.offset < begin) {
      const before: Block = { ...block, size: begin - block.offset };
      this.#link(block.previous, before);
      this.#link(before, block);
      this.#remember(before);
    }
    block.size -= begin - block.offset;
    block.offset = begin;
    block.free = false;
    this.#splitOff(block, end - begin);
  }

  /** A block of at least `bytes`; undefined where there is no room and the range cannot grow. */
  allocate(bytes: number): Block | undefined {
    const { alignment } = this.#options;
    const size = Math.max(1, Math.ceil(bytes / alignment)) * alignment;
    const at = lowerBound(this.#free, size, 0);
    const block = at < this.#free.length ? this.#free.splice(at, 1)[0]! : this.#extend(size);
    if (block === undefined) return undefined;
    this.#splitOff(block, size);
    block.free = false;
    this.#live += block.size;
    return block;
  }

  /** Takes a block back; it must not be used afterwards. */
  release(block: Block): void {
    if (block.free) throw new Error("a block was freed twice");
    this.#live -= block.size;
    block.free = true;
    const { previous, next } = block;
    if (previous?.free) {
      this.#forget(previous);
      block.offset = previous.offset;
      block.size += previous.size;
      this.#link(previous.previous, block);
    }
    if (next?.free) {
      this.#forget(next);
      block.size += next.size;
      this.#link(block, next.next);
    }
    this.#remember(block);
  }

  /** A block of at least `size` at the end of the range, grown, with what is free there already. */
  #extend(size: number): Block | undefined {
    let tail = this.#last?.free ? this.#last : undefined;
    const grown = this.#options.grow(size - (tail?.size ?? 0));
    if (tail !== undefined) {
      this.#forget(tail);
      tail.size += grown;
    } else if (grown > 0) {
      tail = { offset: this.#size, size: grown, free: true, previous: undefined, next: undefined };
      this.#link(this.#last, tail);
      this.#last = tail;
    }
    this.#size += grown;
    if (tail === undefined || tail.size >= size) return tail;
    this.#remember(tail);
    return undefined;
  }

  /** Cuts what is beyond `size` from a block and makes it free. */
  #splitOff(block: Block, size: number): void {
    if (block.size === size) return;
    const rest: Block = {
      offset: block.offset + size,
      size: block.size - size,
      free: true,
      previous: undefined,
      next: undefined,
    };
    block.size = size;
    this.#link(rest, block.next);
    this.#link(block, rest);
    this.#remember(rest);
  }

  #link(left: Block | undefined, right: Block | undefined): void {
    if (left !== undefined) left.next = right;
    if (right !== undefined) right.previous = left;
    else this.#last = left;
  }

  #remember(block: Block): void {
    this.#free.splice(lowerBound(this.#free, block.size, block.offset), 0, block);
  }

  #forget(block: Block): void {
    this.#free.splice(lowerBound(this.#free, block.size, block.offset), 1);
  }
}

/** Index of the first block that is not before (size, offset). */
function lowerBound(blocks: readonly Block[], size: number, offset: number): number {
  let [low, high] = [0, blocks.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const block = blocks[middle]!;
    if (block.size < size || (block.size === size && block.offset < offset)) low = middle + 1;
    else high = middle;
  }
  return low;
}
