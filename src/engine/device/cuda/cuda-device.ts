/** The CUDA device: kernels compiled for the card by NVRTC, products by cuBLASLt, all on one stream. */
import { UserError } from "../../../base/errors.ts";
import type { Collective } from "../collective/collective.ts";
import type { ProcessGroup } from "../collective/process-group.ts";
import {
  type BufferView,
  type Device,
  type DeviceBuffer,
  dtypeBytes,
  type FillPart,
  type KernelArgument,
  type MemoryUse,
  type Precision,
} from "../device.ts";
import { KernelImages } from "./compile.ts";
import { addressOf, type CudaBuffer, KernelLauncher } from "./cuda-launcher.ts";
import { type Driver, DriverError } from "./driver.ts";
import type { CudaKernels, CudaLauncher, CudaProperties } from "./launcher.ts";
import type { FoundLibrary, MissingLibrary } from "./libraries.ts";
import { allocatePinned, CudaMemory } from "./memory.ts";
import { Nccl } from "./nccl.ts";
import { NcclCollective } from "./nccl-collective.ts";
import type { Nvrtc } from "./nvrtc.ts";
import { Products, type ProductsOptions } from "./products.ts";
import { Staging } from "./staging.ts";
import { type KernelTime, Timeline, timeOnDevice } from "./timeline.ts";

export interface CudaDeviceOptions {
  readonly driver: Driver;
  /** The driver's handle of the card. */
  readonly card: number;
  readonly properties: CudaProperties;
  readonly nvrtc: Nvrtc;
  /** libcublasLt. */
  readonly products: ProductsOptions["library"];
  readonly precision: Precision;
  /** By name, of all ops. */
  readonly kernels: CudaKernels;
  /** Folder that the sources of kernels are named from. */
  readonly sourceFolder: string;
  /** Folder of `fettle.cuh`. */
  readonly headerFolder: string;
  readonly cacheFolder: string;
  /** File in which the choices of cuBLASLt's algorithms are kept. */
  readonly choicesFile: string;
  /** Most bytes of the card to take; default: what is free at opening, less a reserve. */
  readonly memoryBudget?: number | undefined;
  readonly findNccl: () => FoundLibrary | MissingLibrary;
}

/** Arguments are those of the kernel's contract; the compiler checked them where the kernel is written. */
type Kernel = (cuda: CudaLauncher, ...args: readonly KernelArgument[]) => void;

/** What cuBLASLt's algorithms may use. */
const WORKSPACE_BYTES = 32 * 2 ** 20;
/** Left free for the driver: code of kernels, their local memory, growth of other programs. */
const RESERVED_SHARE = 0.02;
const LEAST_RESERVED = 256 * 2 ** 20;

export class CudaDevice implements Device {
  readonly name = "cuda";
  readonly description: string;
  readonly precision: Precision;
  readonly activations: Precision;
  readonly batchesProducts = false;
  readonly properties: CudaProperties;
  /** Most bytes of the card that it takes. */
  readonly budget: number;
  readonly #driver: Driver;
  readonly #card: number;
  readonly #stream: number;
  readonly #memory: CudaMemory;
  readonly #staging: Staging;
  readonly #images: KernelImages;
  readonly #products: Products;
  readonly #launcher: KernelLauncher;
  readonly #kernels: ReadonlyMap<string, Kernel>;
  readonly #findNccl: CudaDeviceOptions["findNccl"];
  #closed = false;

  /** For `openCudaDevice`. */
  constructor(options: CudaDeviceOptions) {
    const { driver, card, properties, precision, memoryBudget } = options;
    this.#driver = driver;
    this.#findNccl = options.findNccl;
    this.#card = card;
    this.properties = properties;
    this.precision = precision;
    this.activations = precision;
    driver.retainContext(card);
    const budget = memoryBudget ?? usable(driver);
    this.budget = budget;
    this.description = [
      `cuda: ${properties.name}`,
      `${(budget / 2 ** 30).toFixed(1)} GiB`,
      precision === "bf16" ? "bf16" : "f32 throughout",
    ].join(", ");
    this.#stream = driver.createStream();
    this.#memory = new CudaMemory({
      driver,
      device: card,
      stream: this.#stream,
      budget,
      total: properties.totalMemory,
    });
    this.#staging = new Staging(driver, this.#stream);
    this.#images = new KernelImages({
      compiler: options.nvrtc,
      sourceFolder: options.sourceFolder,
      headerFolder: options.headerFolder,
      cacheFolder: options.cacheFolder,
      architecture: properties.architecture,
      driverVersion: driver.version(),
    });
    this.#products = new Products({
      library: options.products,
      stream: this.#stream,
      workspace: { address: this.#memory.allocate(WORKSPACE_BYTES).address, bytes: WORKSPACE_BYTES },
      borrow: (bytes, body) => this.#borrow(bytes, body),
      time: (body) => this.time(body),
      choicesFile: options.choicesFile,
    });
    this.#launcher = new KernelLauncher({
      driver,
      stream: this.#stream,
      images: this.#images,
      products: this.#products,
      properties,
      allocate: (bytes) => this.allocate(bytes),
      free: (buffer) => this.free(buffer),
    });
    this.#kernels = new Map(Object.entries(options.kernels).map(([name, kernel]) => [name, kernel as Kernel]));
    this.resetPeak();
  }

  allocate(bytes: number): DeviceBuffer {
    const buffer: CudaBuffer = { bytes, allocation: this.#memory.allocate(bytes) };
    return buffer;
  }

  allocateOnHost(bytes: number): DeviceBuffer {
    const buffer: CudaBuffer = { bytes, allocation: allocatePinned(this.#driver, bytes) };
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    const own = buffer as CudaBuffer;
    const { allocation } = own;
    if (allocation === undefined) throw new Error("a CUDA buffer was freed twice");
    own.allocation = undefined;
    if (allocation.kind === "card") {
      this.#memory.free(allocation);
    } else {
      // What was launched may still use it.
      this.wait();
      this.#driver.freePinned(allocation.address);
    }
  }

  write(target: BufferView, source: Uint8Array): void {
    expectBytes(target, source.byteLength);
    this.#staging.write(addressOf(target), source);
  }

  writeFrom(target: BufferView, fill: FillPart): void {
    this.#staging.writeFrom(addressOf(target), byteLength(target), fill);
  }

  read(source: BufferView, target: Uint8Array): void {
    expectBytes(source, target.byteLength);
    this.#staging.read(addressOf(source), target);
  }

  copy(source: BufferView, target: BufferView): void {
    const bytes = byteLength(source);
    expectBytes(target, bytes);
    if (bytes > 0) this.#driver.copyOnDevice(addressOf(target), addressOf(source), bytes, this.#stream);
  }

  zero(target: BufferView): void {
    const bytes = byteLength(target);
    if (bytes > 0) this.#driver.zero(addressOf(target), bytes, this.#stream);
  }

  launch(kernel: string, args: readonly KernelArgument[]): void {
    const run = this.#kernels.get(kernel);
    if (run === undefined) throw new Error(`there is no CUDA kernel ${kernel}`);
    try {
      run(this.#launcher, ...args);
    } finally {
      this.#launcher.freeScratch();
    }
  }

  wait(): void {
    this.#driver.synchronize(this.#stream);
  }

  memory(): MemoryUse {
    return this.#memory.use();
  }

  resetPeak(): void {
    this.#memory.resetPeak();
  }

  /**
   * Brings the cards of a group's processes together; all of them call it.
   * @throws UserError where there is no NCCL
   */
  join(group: ProcessGroup): Collective {
    const found = this.#findNccl();
    if (found.handle === undefined) {
      throw new UserError({
        code: "processes/no-nccl",
        message: `several GPUs need NCCL: ${found.reason}`,
        fix: "install it with `pip install nvidia-nccl-cu13` (or -cu12), or Debian's libnccl2, or let FETTLE_CUDA_LIBRARIES name its folder",
      });
    }
    const isIdle = (): boolean => this.#driver.isIdle(this.#stream);
    return new NcclCollective({ nccl: new Nccl(found.handle), group, stream: this.#stream, isIdle });
  }

  /** @returns milliseconds that what `body` launches takes on the card */
  time(body: () => void): number {
    return timeOnDevice(this.#driver, this.#stream, body);
  }

  /** Times every launch of `body`; the launches then take a little longer than without. */
  profile(body: () => void): KernelTime[] {
    const timeline = new Timeline(this.#driver, this.#stream);
    this.#launcher.timeline = timeline;
    try {
      body();
    } finally {
      this.#launcher.timeline = undefined;
    }
    return timeline.finish();
  }

  /** What was not as it should be while kernels were compiled, so far. */
  notes(): readonly string[] {
    return this.#images.note === undefined ? [] : [this.#images.note];
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#giveBack();
    } catch (error) {
      // After a failed kernel the driver refuses everything; what the process holds goes with it.
      if (!(error instanceof DriverError)) throw error;
    }
  }

  #giveBack(): void {
    this.wait();
    this.#products.close();
    this.#launcher.close();
    this.#staging.close();
    this.#memory.close();
    this.#driver.destroyStream(this.#stream);
    this.#driver.releaseContext(this.#card);
  }

  #borrow(bytes: number, body: (address: number) => void): void {
    const allocation = this.#memory.allocate(bytes);
    try {
      body(allocation.address);
    } finally {
      this.#memory.free(allocation);
    }
  }
}

function usable(driver: Driver): number {
  const { free, total } = driver.freeMemory();
  return Math.max(0, free - Math.max(LEAST_RESERVED, total * RESERVED_SHARE));
}

function byteLength(view: BufferView): number {
  return view.length * dtypeBytes[view.dtype];
}

function expectBytes(view: BufferView, bytes: number): void {
  if (byteLength(view) !== bytes) throw new Error(`${bytes} bytes to or from a view of ${byteLength(view)} bytes`);
}
