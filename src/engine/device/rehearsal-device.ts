/**
 * A device on which nothing is computed: it counts the memory that a pass takes and the bytes that its kernels touch, so
 * that a step can be rehearsed with the very code that will run it, for any card, in milliseconds.
 */
import {
  type BufferView,
  type Device,
  type DeviceBuffer,
  dtypeBytes,
  type KernelArgument,
  type MemoryUse,
} from "./device.ts";

/** The device that is stood in for. */
export interface RehearsalOptions extends Pick<Device, "name" | "precision" | "activations" | "batchesProducts"> {
  /** What the device's allocator makes of a request, in bytes. */
  readonly blockBytes: (bytes: number) => number;
}

/** Launches of one kernel, and what they read and write: every view once. */
export interface Traffic {
  readonly launches: number;
  readonly bytes: number;
}

interface RehearsedBuffer extends DeviceBuffer {
  held: boolean;
}

export class RehearsalDevice implements Device {
  readonly name: Device["name"];
  readonly description: string;
  readonly precision: Device["precision"];
  readonly activations: Device["activations"];
  readonly batchesProducts: boolean;
  readonly #blockBytes: RehearsalOptions["blockBytes"];
  readonly #traffic = new Map<string, { launches: number; bytes: number }>();
  #live = 0;
  #peak = 0;

  constructor({ name, precision, activations, batchesProducts, blockBytes }: RehearsalOptions) {
    this.name = name;
    this.description = `rehearsal of ${name}`;
    this.precision = precision;
    this.activations = activations;
    this.batchesProducts = batchesProducts;
    this.#blockBytes = blockBytes;
  }

  /** What was launched, by kernel. */
  get traffic(): ReadonlyMap<string, Traffic> {
    return this.#traffic;
  }

  resetTraffic(): void {
    this.#traffic.clear();
  }

  allocate(bytes: number): DeviceBuffer {
    this.#live += this.#blockBytes(bytes);
    this.#peak = Math.max(this.#peak, this.#live);
    const buffer: RehearsedBuffer = { bytes, held: true };
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    const own = buffer as RehearsedBuffer;
    if (!own.held) throw new Error("a rehearsed buffer was freed twice");
    own.held = false;
    this.#live -= this.#blockBytes(buffer.bytes);
  }

  write(): void {}

  /** Reads zeros: losses and norms of a rehearsal are 0. */
  read(_source: BufferView, target: Uint8Array): void {
    target.fill(0);
  }

  copy(): void {}

  zero(): void {}

  launch(kernel: string, args: readonly KernelArgument[]): void {
    let traffic = this.#traffic.get(kernel);
    if (traffic === undefined) {
      traffic = { launches: 0, bytes: 0 };
      this.#traffic.set(kernel, traffic);
    }
    traffic.launches++;
    for (const argument of args) {
      if (typeof argument === "object" && argument !== null)
        traffic.bytes += argument.length * dtypeBytes[argument.dtype];
    }
  }

  wait(): void {}

  memory(): MemoryUse {
    return { live: this.#live, cached: 0, peak: this.#peak };
  }

  resetPeak(): void {
    this.#peak = this.#live;
  }

  close(): void {}
}
