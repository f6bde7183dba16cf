/** The CPU device: kernels in C, compiled on this machine, called with one pointer each. */
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import koffi, { type LibraryHandle } from "koffi";
import { packageRoot } from "../../../base/package-root.ts";
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
import { CachingAllocator } from "./allocator.ts";
import { compileKernels } from "./compile.ts";

export interface CpuDeviceOptions {
  /** Default: as many as this process may use. */
  readonly threads?: number | undefined;
  /** `auto` (default) takes bf16 products where the CPU has instructions for them. */
  readonly precision?: Precision | "auto" | undefined;
  /** Paths of the ops' .c files. */
  readonly kernelSources: readonly string[];
  readonly cacheFolder?: string | undefined;
  readonly compiler?: string | undefined;
}

/** Either a device, with notes for people, or why there is none on this machine. */
export type OpenedCpuDevice =
  | { readonly device: CpuDevice; readonly notes: readonly string[] }
  | { readonly device: undefined; readonly reason: string };

/**
 * Compiles the kernels, or finds them compiled, and starts the threads.
 * @throws UserError when a compiler is there and fails.
 */
export async function openCpuDevice(options: CpuDeviceOptions): Promise<OpenedCpuDevice> {
  const folder = join(packageRoot, "src/engine/device/cpu");
  const library = await compileKernels({
    sources: [...ownSources.map((name) => join(folder, name)), ...options.kernelSources],
    includeFolder: folder,
    cacheFolder: options.cacheFolder,
    compiler: options.compiler,
  });
  if (library.path === undefined) return { device: undefined, reason: library.reason };
  return { device: new CpuDevice(library.path, options), notes: library.notes };
}

const ownSources = ["pool.c", "memory.c", "gemm.c", "gemm-pack.c", "gemm-multiply.c", "gemm-few-rows.c"];

interface CpuBuffer extends DeviceBuffer {
  /** 0 once freed. */
  address: number;
}

type Kernel = (args: Float64Array) => void;

/** Threads of a loaded library's pool: one pool serves all devices opened on it. */
const poolThreads = new Map<string, number>();

export class CpuDevice implements Device {
  readonly name = "cpu";
  readonly description: string;
  readonly precision: Precision;
  readonly activations = "f32";
  readonly batchesProducts = true;
  readonly threads: number;
  readonly #path: string;
  readonly #library: LibraryHandle;
  readonly #startPool: (threads: number) => number;
  readonly #kernels = new Map<string, Kernel>();
  readonly #allocator: CachingAllocator;
  #args: Float64Array = new Float64Array(64);

  /** For `openCpuDevice`. */
  constructor(path: string, options: Pick<CpuDeviceOptions, "threads" | "precision">) {
    this.#path = path;
    this.#library = koffi.load(path);
    this.#startPool = this.#library.func("fettle_pool_start", "int", ["int"]);
    this.threads = this.#startPool(options.threads ?? availableParallelism());
    poolThreads.set(path, this.threads);
    this.#allocator = new CachingAllocator({
      allocate: this.#library.func("fettle_allocate", "double", ["double"]),
      free: this.#library.func("fettle_free", "void", ["double"]),
      available: () => process.availableMemory(),
    });
    const products = bf16Products[this.#library.func("fettle_bf16_support", "int", [])() as number]!;
    const wanted = options.precision ?? "auto";
    this.precision = wanted === "auto" ? products.auto : wanted;
    const lanes: number = this.#library.func("fettle_lanes", "int", [])();
    this.description = [
      `cpu: ${this.threads} thread${this.threads === 1 ? "" : "s"}`,
      `${lanes * 32}-bit vectors`,
      this.precision === "bf16" ? products.name : "f32 products",
    ].join(", ");
  }

  allocate(bytes: number): DeviceBuffer {
    const buffer: CpuBuffer = { bytes, address: this.#allocator.allocate(bytes) };
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    const own = buffer as CpuBuffer;
    if (own.address === 0) throw new Error("a CPU buffer was freed twice");
    this.#allocator.free(own.address, own.bytes);
    own.address = 0;
  }

  write(target: BufferView, source: Uint8Array): void {
    expectBytes(target, source.byteLength);
    this.#call("fettle_copy", [target, hostAddress(source), source.byteLength]);
  }

  writeFrom(target: BufferView, fill: FillPart): void {
    const bytes = byteLength(target);
    if (bytes > 0) fill(new Uint8Array(koffi.view(BigInt(addressOf(target)), bytes)), 0);
  }

  read(source: BufferView, target: Uint8Array): void {
    expectBytes(source, target.byteLength);
    this.#call("fettle_copy", [hostAddress(target), source, target.byteLength]);
  }

  hostBytes(view: BufferView): Uint8Array {
    const bytes = byteLength(view);
    return bytes === 0 ? new Uint8Array(0) : new Uint8Array(koffi.view(BigInt(addressOf(view)), bytes));
  }

  copy(source: BufferView, target: BufferView): void {
    const bytes = byteLength(source);
    expectBytes(target, bytes);
    this.#call("fettle_copy", [target, source, bytes]);
  }

  zero(target: BufferView): void {
    this.#call("fettle_zero", [target, byteLength(target)]);
  }

  launch(kernel: string, args: readonly KernelArgument[]): void {
    this.#call(kernel, args);
  }

  /** Nothing to wait for: a launch returns when its kernel has run. */
  wait(): void {}

  memory(): MemoryUse {
    return this.#allocator.memory();
  }

  resetPeak(): void {
    this.#allocator.resetPeak();
  }

  /** Gives free memory back. The library stays loaded: its threads sleep inside it until the process ends. */
  close(): void {
    this.#allocator.clear();
  }

  #call(name: string, args: readonly KernelArgument[]): void {
    const kernel = this.#kernels.get(name) ?? this.#find(name);
    if (poolThreads.get(this.#path) !== this.threads) {
      poolThreads.set(this.#path, this.#startPool(this.threads));
    }
    if (args.length > this.#args.length) this.#args = new Float64Array(args.length * 2);
    const values = this.#args;
    for (let i = 0; i < args.length; i++) {
      const argument = args[i]!;
      if (argument === null) values[i] = 0;
      else if (typeof argument === "number") values[i] = argument;
      else values[i] = addressOf(argument);
    }
    kernel(values);
  }

  #find(name: string): Kernel {
    let kernel: Kernel;
    try {
      kernel = this.#library.func(name, "void", ["double *"]);
    } catch (cause) {
      throw new Error(`there is no CPU kernel ${name} in ${basename(this.#path)}`, { cause });
    }
    this.#kernels.set(name, kernel);
    return kernel;
  }
}

/** By what `fettle_bf16_support` answers. */
const bf16Products: Record<number, { readonly auto: Precision; readonly name: string }> = {
  1: { auto: "f32", name: "f32 products of values rounded to bf16" },
  2: { auto: "bf16", name: "AVX-512 bf16 products" },
  3: { auto: "bf16", name: "AMX bf16 products" },
};

function byteLength(view: BufferView): number {
  return view.length * dtypeBytes[view.dtype];
}

function expectBytes(view: BufferView, bytes: number): void {
  if (byteLength(view) !== bytes) throw new Error(`${bytes} bytes to or from a view of ${byteLength(view)} bytes`);
}

/** A view outside its buffer, or of a freed one, is a bug of the caller; in C it would be silent. */
function addressOf(view: BufferView): number {
  const { address, bytes } = view.buffer as CpuBuffer;
  if (address === 0) throw new Error("use of a freed CPU buffer");
  const end = view.offset + byteLength(view);
  if (view.offset < 0 || end > bytes) {
    throw new Error(`bytes ${view.offset} to ${end} lie outside a CPU buffer of ${bytes}`);
  }
  return address + view.offset;
}

/** Good until the event loop runs again: nothing moves or frees the bytes during a call. */
function hostAddress(bytes: Uint8Array): number {
  return Number(koffi.address(bytes.buffer)) + bytes.byteOffset;
}
