/** Times on the card, by events of the driver. */
import type { Driver } from "./driver.ts";

/** What a kernel took, all its launches together. */
export interface KernelTime {
  readonly name: string;
  readonly count: number;
  readonly milliseconds: number;
}

/** @returns milliseconds from the beginning to the end of what `body` launches */
export function timeOnDevice(driver: Driver, stream: number, body: () => void): number {
  const [begin, end] = [driver.createEvent(), driver.createEvent()];
  try {
    driver.recordEvent(begin, stream);
    body();
    driver.recordEvent(end, stream);
    driver.waitForEvent(end);
    return driver.elapsed(begin, end);
  } finally {
    driver.destroyEvent(begin);
    driver.destroyEvent(end);
  }
}

interface Span {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

/** Records an event before and after each launch that goes through it. */
export class Timeline {
  readonly #driver: Driver;
  readonly #stream: number;
  readonly #spans: Span[] = [];

  constructor(driver: Driver, stream: number) {
    this.#driver = driver;
    this.#stream = stream;
  }

  span(name: string, launch: () => void): void {
    const span = { name, begin: this.#driver.createEvent(), end: this.#driver.createEvent() };
    this.#spans.push(span);
    this.#driver.recordEvent(span.begin, this.#stream);
    launch();
    this.#driver.recordEvent(span.end, this.#stream);
  }

  /** Waits for all spans, and gives their events back. @returns one row a name, the longest first */
  finish(): KernelTime[] {
    this.#driver.synchronize(this.#stream);
    const rows = new Map<string, { name: string; count: number; milliseconds: number }>();
    for (const { name, begin, end } of this.#spans) {
      const row = rows.get(name) ?? { name, count: 0, milliseconds: 0 };
      row.count++;
      row.milliseconds += this.#driver.elapsed(begin, end);
      rows.set(name, row);
      this.#driver.destroyEvent(begin);
      this.#driver.destroyEvent(end);
    }
    this.#spans.length = 0;
    return [...rows.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  }
}
