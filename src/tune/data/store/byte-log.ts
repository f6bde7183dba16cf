import { type Scratch, ScratchFile } from "./scratch-file.ts";

const BLOCK = 1 << 20;
/** Read at once where reading goes on; a multiple of eight. */
const WINDOW = 1 << 18;

/** Bytes that are appended and read back by position: in memory up to a size, then in a file. */
export class ByteLog {
  readonly #scratch: Scratch;
  /** What is not in the file, in blocks that are full but for the last. */
  #blocks: Uint8Array[] = [];
  #length = 0;
  #file: ScratchFile | undefined;
  readonly #window: { bytes: Uint8Array; begin: number; end: number } = { bytes: new Uint8Array(0), begin: 0, end: 0 };

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
  }

  get length(): number {
    return this.#length;
  }

  /** Whether it is in a file by now. */
  get isOnDisk(): boolean {
    return this.#file !== undefined;
  }

  /** @throws UserError when the disk is full */
  append(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const used = (this.#length - this.#written) % BLOCK;
      if (used === 0) this.#startBlock();
      const part = bytes.subarray(done, done + BLOCK - used);
      this.#blocks.at(-1)!.set(part, used);
      this.#length += part.length;
      done += part.length;
    }
  }

  /** Bytes `begin` to `end`; a view that is valid until the next call. Where both are multiples of four, it is aligned so. */
  read(begin: number, end: number): Uint8Array {
    if (begin >= this.#written) return this.#fromBlocks(begin, end);
    const window = this.#window;
    if (begin < window.begin || end > window.end) this.#fill(begin, end);
    return window.bytes.subarray(begin - window.begin, end - window.begin);
  }

  get #written(): number {
    return this.#file?.length ?? 0;
  }

  #startBlock(): void {
    const held = this.#length - this.#written;
    if (this.#file === undefined && held >= this.#scratch.memoryBytes)
      this.#file = new ScratchFile(this.#scratch.folder);
    if (this.#file !== undefined) {
      for (const block of this.#blocks) this.#file.append(block);
      // One block is used again and again.
      this.#blocks = this.#blocks.slice(0, 1);
    }
    if (this.#file === undefined || this.#blocks.length === 0) this.#blocks.push(new Uint8Array(BLOCK));
  }

  #fromBlocks(begin: number, end: number): Uint8Array {
    const from = begin - this.#written;
    const to = end - this.#written;
    const first = Math.floor(from / BLOCK);
    if (to <= (first + 1) * BLOCK)
      return this.#blocks[first]?.subarray(from % BLOCK, to - first * BLOCK) ?? new Uint8Array(0);
    const bytes = new Uint8Array(end - begin);
    for (let at = from; at < to; ) {
      const part = this.#blocks[Math.floor(at / BLOCK)]!.subarray(at % BLOCK, (at % BLOCK) + to - at);
      bytes.set(part, at - from);
      at += part.length;
    }
    return bytes;
  }

  #fill(begin: number, end: number): void {
    const window = this.#window;
    // What goes on where the last window ended is read in order; anything else is a look at one place.
    const goesOn = begin >= window.begin && begin <= window.end + BLOCK / 16;
    const wanted = Math.min(Math.max(end - begin, goesOn ? WINDOW : 0), this.#length - begin);
    if (window.bytes.length < wanted) window.bytes = new Uint8Array(Math.max(wanted, WINDOW));
    const fromFile = Math.min(wanted, this.#written - begin);
    this.#file!.read(begin, window.bytes.subarray(0, fromFile));
    if (fromFile < wanted) window.bytes.set(this.#fromBlocks(begin + fromFile, begin + wanted), fromFile);
    window.begin = begin;
    window.end = begin + wanted;
  }
}
