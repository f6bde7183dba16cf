/** Chunks of a stream as a queue of bytes, of which a given number is taken at a time. */
export class ByteQueue {
  readonly #source: AsyncIterator<Buffer>;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes; undefined when fewer are left. */
  async take(length: number): Promise<Buffer | undefined> {
    while (this.#length < length) if (!(await this.#fill())) return undefined;
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    const rest = all.subarray(length);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
    return all.subarray(0, length);
  }

  /** Passes over so many bytes without holding them; false when fewer are left. */
  async skip(length: number): Promise<boolean> {
    for (let left = length; left > 0; ) {
      if (this.#length === 0 && !(await this.#fill())) return false;
      const step = Math.min(left, this.#length);
      await this.take(step);
      left -= step;
    }
    return true;
  }

  async ended(): Promise<boolean> {
    return this.#length === 0 && !(await this.#fill());
  }

  async #fill(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done) return false;
    this.#chunks.push(next.value);
    this.#length += next.value.length;
    return true;
  }
}
