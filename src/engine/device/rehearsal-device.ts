/**
 * A device on which nothing is computed: it counts the memory that a pass takes, and how long its kernels would run, so
 * that a step can be rehearsed with the very code that will run it, for any card, in milliseconds.
 */
import type { CudaFunction, CudaKernels, CudaLaunch, CudaLauncher, CudaProperties, Product } from "./cuda/launcher.ts";
import {
  type BufferView,
  type Device,
  type DeviceBuffer,
  type DType,
  dtypeBytes,
  type KernelArgument,
  type MemoryUse,
} from "./device.ts";

/** What a machine does in a second. */
export interface Speeds {
  /** FLOP of large products. */
  readonly products: number;
  /** Bytes read or written. */
  readonly bandwidth: number;
  /** Seconds that a launch takes at least. */
  readonly launch: number;
  /** A product whose smaller side has so many rows or columns runs at half speed. */
  readonly halfSpeedAt: number;
}

/** The device that is stood in for. */
export interface RehearsalOptions extends Pick<Device, "name" | "precision" | "activations" | "batchesProducts"> {
  /** What the device's allocator makes of a request, in bytes. */
  readonly blockBytes: (bytes: number) => number;
  readonly speeds: Speeds;
  /** Of all ops: they tell the sizes of products and, where the device is a card, the scratch memory of kernels. */
  readonly kernels: CudaKernels;
  readonly properties: CudaProperties;
}

/** Estimated seconds of launches. */
export interface Work {
  readonly products: number;
  /** Kernels that are bound by memory. */
  readonly others: number;
  /** Launches by kernel, for those whose work the arguments do not tell. */
  readonly launches: ReadonlyMap<string, number>;
}

interface RehearsedBuffer extends DeviceBuffer {
  held: boolean;
  readonly place: "device" | "host";
}

/** Bytes a second over the bus, as PCIe 4 comes to with 16 lanes. */
const BUS = 20e9;

/** cuBLAS takes this much longer where neither factor is transposed, as measured on an H100 (docs/performance.md). */
const ROWS_ACROSS = 1.1;

type Kernel = (cuda: CudaLauncher, ...args: readonly KernelArgument[]) => void;

export class RehearsalDevice implements Device, CudaLauncher {
  readonly name: Device["name"];
  readonly description: string;
  readonly precision: Device["precision"];
  readonly activations: Device["activations"];
  readonly batchesProducts: boolean;
  readonly properties: CudaProperties;
  readonly allocateOnHost: ((bytes: number) => DeviceBuffer) | undefined;
  readonly #options: RehearsalOptions;
  readonly #scratch: DeviceBuffer[] = [];
  readonly #launches = new Map<string, number>();
  #products = 0;
  #others = 0;
  #live = 0;
  #peak = 0;
  #onHost = 0;

  constructor(options: RehearsalOptions) {
    this.#options = options;
    this.name = options.name;
    this.description = `rehearsal of ${options.name}`;
    this.precision = options.precision;
    this.activations = options.activations;
    this.batchesProducts = options.batchesProducts;
    this.properties = options.properties;
    if (options.name === "cuda") this.allocateOnHost = (bytes) => this.#allocatePaged(bytes);
  }

  /** Bytes of the host that the device uses. */
  get onHost(): number {
    return this.#onHost;
  }

  /** Of everything launched since the last `resetWork`. */
  get work(): Work {
    return { products: this.#products, others: this.#others, launches: new Map(this.#launches) };
  }

  resetWork(): void {
    this.#products = 0;
    this.#others = 0;
    this.#launches.clear();
  }

  allocate(bytes: number): DeviceBuffer {
    this.#live += this.#options.blockBytes(bytes);
    this.#peak = Math.max(this.#peak, this.#live);
    const buffer: RehearsedBuffer = { bytes, held: true, place: "device" };
    return buffer;
  }

  #allocatePaged(bytes: number): DeviceBuffer {
    this.#onHost += bytes;
    const buffer: RehearsedBuffer = { bytes, held: true, place: "host" };
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    const own = buffer as RehearsedBuffer;
    if (!own.held) throw new Error("a rehearsed buffer was freed twice");
    own.held = false;
    if (own.place === "host") this.#onHost -= buffer.bytes;
    else this.#live -= this.#options.blockBytes(buffer.bytes);
  }

  write(): void {}

  writeFrom(): void {}

  /** Reads zeros: losses and norms of a rehearsal are 0. */
  read(_source: BufferView, target: Uint8Array): void {
    target.fill(0);
  }

  copy(source: BufferView): void {
    this.#touch([source, source]);
  }

  zero(target: BufferView): void {
    this.#touch([target]);
  }

  launch(name: string, args: readonly KernelArgument[]): void {
    this.#launches.set(name, (this.#launches.get(name) ?? 0) + 1);
    const kernel = this.#options.kernels[name] as Kernel | undefined;
    if (kernel === undefined) {
      this.#touch(args);
      return;
    }
    kernel(this, ...args);
    for (const buffer of this.#scratch.splice(0)) this.free(buffer);
  }

  wait(): void {}

  memory(): MemoryUse {
    return { live: this.#live, cached: 0, peak: this.#peak };
  }

  resetPeak(): void {
    this.#peak = this.#live;
  }

  close(): void {}

  /** A function of a `.cu` file. */
  run(_kernel: CudaFunction, _launch: CudaLaunch, args: readonly KernelArgument[]): void {
    this.#touch(args);
  }

  multiply({ rows, columns, inner, a, b, d, transposeA, transposeB }: Product): void {
    const { products, bandwidth, launch, halfSpeedAt } = this.#options.speeds;
    const least = Math.min(rows, columns);
    const layout = transposeA || transposeB ? 1 : ROWS_ACROSS;
    const computing = (2 * rows * columns * inner * layout * (1 + halfSpeedAt / least)) / products;
    const moving = (bytesOf(a) + bytesOf(b) + bytesOf(d)) / bandwidth;
    this.#products += Math.max(computing, moving, launch);
  }

  scratch(length: number, dtype: DType): BufferView {
    const bytes = length * dtypeBytes[dtype];
    const isCard = this.name === "cuda";
    const buffer = isCard ? this.allocate(bytes) : { bytes };
    if (isCard) this.#scratch.push(buffer);
    return { buffer, offset: 0, length, dtype };
  }

  #touch(args: readonly KernelArgument[]): void {
    const { bandwidth, launch } = this.#options.speeds;
    let seconds = 0;
    for (const argument of args) {
      if (typeof argument !== "object" || argument === null) continue;
      const { place } = argument.buffer as RehearsedBuffer;
      // Both ways, as what lies there is states, which are read and written.
      seconds += place === "host" ? (2 * bytesOf(argument)) / BUS : bytesOf(argument) / bandwidth;
    }
    this.#others += Math.max(seconds, launch);
  }
}

function bytesOf({ length, dtype }: BufferView): number {
  return length * dtypeBytes[dtype];
}
