/** How many a second, over the last ten seconds. */
export class Rate {
  readonly #seconds = 10;
  /** Counts by second. */
  readonly #counts = new Map<number, number>();
  readonly #begin = performance.now();

  add(count: number): void {
    const now = this.#now();
    this.#counts.set(now, (this.#counts.get(now) ?? 0) + count);
    for (const second of this.#counts.keys()) if (second <= now - this.#seconds) this.#counts.delete(second);
  }

  get perSecond(): number {
    const now = this.#now();
    let sum = 0;
    for (const [second, count] of this.#counts) if (second > now - this.#seconds) sum += count;
    const elapsed = (performance.now() - this.#begin) / 1000;
    return sum / Math.max(Math.min(this.#seconds, elapsed), 1);
  }

  #now(): number {
    return Math.floor(performance.now() / 1000);
  }
}
