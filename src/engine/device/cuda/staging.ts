/**
 * Copies between host and card by way of two pinned buffers: the card reads and writes pinned memory at full speed while
 * the host fills or empties the other buffer, and however much is copied, nothing is held twice.
 */
import koffi from "koffi";
import type { FillPart } from "../device.ts";
import type { Driver } from "./driver.ts";

const HALF_BYTES = 32 * 2 ** 20;

interface Half {
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Recorded after the last copy from or to this half. */
  readonly event: number;
}

export class Staging {
  readonly #driver: Driver;
  readonly #stream: number;
  readonly #halves: readonly [Half, Half];
  /** The half that writes go through, and how much of it copies that may still run use. */
  #current = 0;
  #used = 0;

  constructor(driver: Driver, stream: number) {
    this.#driver = driver;
    this.#stream = stream;
    const half = (): Half => {
      const address = driver.allocatePinned(HALF_BYTES);
      return { address, bytes: new Uint8Array(koffi.view(BigInt(address), HALF_BYTES)), event: driver.createEvent() };
    };
    this.#halves = [half(), half()];
  }

  /** Returns when the bytes are copied from `source`, before they are on the card. */
  write(to: number, source: Uint8Array): void {
    this.writeFrom(to, source.length, (part, begin) => part.set(source.subarray(begin, begin + part.length)));
  }

  /** The same of `length` bytes that `fill` puts into pinned memory. */
  writeFrom(to: number, length: number, fill: FillPart): void {
    for (let at = 0; at < length; ) {
      if (this.#used === HALF_BYTES) this.#turn();
      const { address, bytes } = this.#halves[this.#current]!;
      const count = Math.min(length - at, HALF_BYTES - this.#used);
      fill(bytes.subarray(this.#used, this.#used + count), at);
      this.#driver.copyToDevice(to + at, address + this.#used, count, this.#stream);
      this.#used += count;
      at += count;
    }
  }

  /** Returns when the bytes are in `target`, and everything launched before has finished. */
  read(from: number, target: Uint8Array): void {
    let pending: { half: Half; at: number; count: number } | undefined;
    const collect = (): void => {
      if (pending === undefined) return;
      const { half, at, count } = pending;
      this.#driver.waitForEvent(half.event);
      target.set(half.bytes.subarray(0, count), at);
    };
    for (let at = 0; at < target.length; ) {
      const half = this.#halves[this.#current]!;
      const count = Math.min(target.length - at, HALF_BYTES);
      // The stream orders this after whatever it still copies from this half.
      this.#driver.copyToHost(half.address, from + at, count, this.#stream);
      this.#driver.recordEvent(half.event, this.#stream);
      collect();
      pending = { half, at, count };
      this.#current = 1 - this.#current;
      at += count;
    }
    collect();
    // Both halves are free now: nothing that was launched is left.
    if (target.length > 0) this.#used = 0;
  }

  close(): void {
    for (const { address, event } of this.#halves) {
      this.#driver.destroyEvent(event);
      this.#driver.freePinned(address);
    }
  }

  /** On to the other half, once the card has read it. */
  #turn(): void {
    this.#driver.recordEvent(this.#halves[this.#current]!.event, this.#stream);
    this.#current = 1 - this.#current;
    this.#driver.waitForEvent(this.#halves[this.#current]!.event);
    this.#used = 0;
  }
}
