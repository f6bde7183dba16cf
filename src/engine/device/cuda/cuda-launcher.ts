/** Launches functions of `.cu` files: finds the one compiled for the types at hand and lays out its arguments. */
import koffi from "koffi";
import { type BufferView, type DeviceBuffer, type DType, dtypeBytes, type KernelArgument } from "../device.ts";
import type { KernelImages } from "./compile.ts";
import type { Driver } from "./driver.ts";
import type { CudaFunction, CudaLaunch, CudaLauncher, CudaProperties, Product } from "./launcher.ts";
import type { CardMemory, PinnedMemory } from "./memory.ts";
import type { Products } from "./products.ts";
import type { Timeline } from "./timeline.ts";

/** Memory of the card, or pinned memory of the host; `allocation` is undefined once freed. */
export interface CudaBuffer extends DeviceBuffer {
  allocation: CardMemory | PinnedMemory | undefined;
}

export interface KernelLauncherOptions {
  readonly driver: Driver;
  readonly stream: number;
  readonly images: KernelImages;
  readonly products: Products;
  readonly properties: CudaProperties;
  readonly allocate: (bytes: number) => DeviceBuffer;
  readonly free: (buffer: DeviceBuffer) => void;
}

/** A function compiled with certain macros. */
interface Variant {
  readonly names: readonly string[];
  readonly values: readonly (string | number)[];
  readonly handle: number;
  /** Dynamic shared memory its blocks may have, in bytes. */
  shared: number;
}

const MOST_ARGUMENTS = 64;
const [POINTER, INT, LONG, FLOAT] = [0, 1, 2, 3];
const letters: Readonly<Record<string, number>> = { p: POINTER!, i: INT!, u: INT!, l: LONG!, f: FLOAT! };
/** Every block may have so much dynamic shared memory; more must be allowed for each function. */
const SHARED_OF_ALL = 48 * 1024;
const TWO_32 = 2 ** 32;

export class KernelLauncher implements CudaLauncher {
  readonly properties: CudaProperties;
  /** When set, every launch is timed. */
  timeline: Timeline | undefined = undefined;
  readonly #options: KernelLauncherOptions;
  readonly #variants = new Map<CudaFunction, { readonly codes: readonly number[]; readonly variants: Variant[] }>();
  readonly #modules = new Map<string, number>();
  readonly #scratch: DeviceBuffer[] = [];
  /** One slot of 8 bytes an argument: the driver copies them before a launch returns, so all launches share them. */
  readonly #words: Uint32Array;
  readonly #floats: Float32Array;
  /** Addresses of the slots, as the driver wants them. */
  readonly #slots: BigUint64Array;
  readonly #slotsAddress: number;
  readonly #addressOf = (view: BufferView): number => addressOf(view);

  constructor(options: KernelLauncherOptions) {
    this.#options = options;
    this.properties = options.properties;
    const memory = new ArrayBuffer(8 * MOST_ARGUMENTS);
    const begin = koffi.address(memory);
    this.#words = new Uint32Array(memory);
    this.#floats = new Float32Array(memory);
    this.#slots = BigUint64Array.from({ length: MOST_ARGUMENTS }, (_, i) => begin + BigInt(8 * i));
    this.#slotsAddress = Number(koffi.address(this.#slots.buffer));
  }

  run(kernel: CudaFunction, launch: CudaLaunch, args: readonly KernelArgument[]): void {
    const [x, y = 1, z = 1] = launch.grid;
    if (x === 0 || y === 0 || z === 0) return;
    const variant = this.#variant(kernel, launch);
    const { shared = 0 } = launch;
    const { driver, stream } = this.#options;
    if (shared > variant.shared) {
      driver.allowShared(variant.handle, shared);
      variant.shared = shared;
    }
    this.#layOut(kernel, args);
    const { timeline } = this;
    if (timeline === undefined) {
      driver.launch(variant.handle, kernel.name, x, y, z, launch.block, shared, stream, this.#slotsAddress);
    } else {
      timeline.span(kernel.name, () =>
        driver.launch(variant.handle, kernel.name, x, y, z, launch.block, shared, stream, this.#slotsAddress),
      );
    }
  }

  multiply(product: Product): void {
    const { products, driver } = this.#options;
    driver.lastKernel = "a product";
    if (this.timeline === undefined) products.multiply(product, this.#addressOf);
    else this.timeline.span("product", () => products.multiply(product, this.#addressOf));
  }

  scratch(length: number, dtype: DType): BufferView {
    const buffer = this.#options.allocate(length * dtypeBytes[dtype]);
    this.#scratch.push(buffer);
    return { buffer, offset: 0, length, dtype };
  }

  /** Frees what `scratch` gave out since the last time. */
  freeScratch(): void {
    while (this.#scratch.length > 0) this.#options.free(this.#scratch.pop()!);
  }

  close(): void {
    for (const module of this.#modules.values()) this.#options.driver.unloadModule(module);
  }

  #variant(kernel: CudaFunction, launch: CudaLaunch): Variant {
    let known = this.#variants.get(kernel);
    if (known === undefined) {
      known = { codes: codesOf(kernel), variants: [] };
      this.#variants.set(kernel, known);
    }
    // There are few, so that comparing beats making a key.
    for (const variant of known.variants) if (matches(variant, launch)) return variant;
    const variant = this.#load(kernel, launch);
    known.variants.push(variant);
    return variant;
  }

  #load(kernel: CudaFunction, { types = {}, defines = {} }: CudaLaunch): Variant {
    const macros = new Map<string, string | number>();
    for (const [name, type] of Object.entries(types)) macros.set(name, dtypeOf(type));
    for (const [name, value] of Object.entries(defines)) macros.set(name, value);
    const key = JSON.stringify([kernel.source, ...macros]);
    const { driver, images } = this.#options;
    let module = this.#modules.get(key);
    if (module === undefined) {
      module = driver.loadModule(images.image(kernel.source, macros));
      this.#modules.set(key, module);
    }
    const handle = driver.functionOf(module, kernel.name);
    return { names: [...macros.keys()], values: [...macros.values()], handle, shared: SHARED_OF_ALL };
  }

  #layOut(kernel: CudaFunction, args: readonly KernelArgument[]): void {
    const { codes } = this.#variants.get(kernel)!;
    if (args.length !== codes.length) {
      throw new Error(`${kernel.name} takes ${codes.length} arguments, ${args.length} were given`);
    }
    for (let i = 0; i < args.length; i++) {
      const argument = args[i]!;
      const value = argument === null ? 0 : typeof argument === "number" ? argument : addressOf(argument);
      if (codes[i] === FLOAT) {
        this.#floats[2 * i] = value;
        continue;
      }
      // What is stored is taken modulo 2³², also of negative numbers.
      this.#words[2 * i] = value;
      if (codes[i] !== INT) this.#words[2 * i + 1] = Math.floor(value / TWO_32);
    }
  }
}

/** A view outside its buffer, or of a freed one, is a bug of the caller; on the card it would be silent. */
export function addressOf(view: BufferView): number {
  const { allocation, bytes } = view.buffer as CudaBuffer;
  if (allocation === undefined) throw new Error("use of a freed CUDA buffer");
  const end = view.offset + view.length * dtypeBytes[view.dtype];
  if (view.offset < 0 || end > bytes) {
    throw new Error(`bytes ${view.offset} to ${end} lie outside a CUDA buffer of ${bytes}`);
  }
  return allocation.address + view.offset;
}

function codesOf({ name, parameters }: CudaFunction): readonly number[] {
  if (parameters.length > MOST_ARGUMENTS) throw new Error(`${name} has more than ${MOST_ARGUMENTS} parameters`);
  return [...parameters].map((letter) => {
    const code = letters[letter];
    if (code === undefined) throw new Error(`${name}: "${letter}" is no kind of parameter`);
    return code;
  });
}

/** Whether it was compiled with the launch's macros, which a call always names in the same order. */
function matches({ names, values }: Variant, { types, defines }: CudaLaunch): boolean {
  let at = 0;
  for (const name in types) {
    if (names[at] !== name || values[at] !== dtypeOf(types[name]!)) return false;
    at++;
  }
  for (const name in defines) {
    if (names[at] !== name || values[at] !== defines[name]) return false;
    at++;
  }
  return at === names.length;
}

function dtypeOf(type: BufferView | DType): DType {
  return typeof type === "string" ? type : type.dtype;
}
