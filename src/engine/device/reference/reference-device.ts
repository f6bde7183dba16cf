/**
 * The reference device: every kernel is a plain TypeScript function over typed arrays, in float64 arithmetic. It defines
 * what the fast devices must compute, and it runs where no C compiler is found.
 */
import { UserError } from "../../../base/errors.ts";
import { decodeBf16, encodeBf16 } from "../bf16.ts";
import {
  type BufferView,
  type Device,
  type DeviceBuffer,
  dtypeBytes,
  type FillPart,
  type KernelArgument,
  type MemoryUse,
} from "../device.ts";

/** Floats as a reference kernel sees them; bf16 arguments arrive decoded and are rounded again afterwards. */
export type Floats = Float32Array | Float64Array;

type HostArray = Floats | Uint16Array | Int32Array | Uint8Array;

/** A kernel's parameters, in the order of its contract, are typed by its own signature; the table only holds them all. */
export type ReferenceKernels = Readonly<Record<string, (...args: never[]) => void>>;

interface HostBuffer extends DeviceBuffer {
  /** Undefined once freed. */
  memory: ArrayBuffer | undefined;
}

export interface ReferenceOptions {
  /** Hold f32 tensors as float64 inside, so that central differences are exact to many digits. For tests. */
  readonly wide?: boolean;
}

export class ReferenceDevice implements Device {
  readonly name = "reference";
  readonly description = "reference: plain TypeScript, one thread";
  readonly precision = "f32";
  readonly activations = "f32";
  readonly batchesProducts = true;
  readonly #kernels: ReferenceKernels;
  readonly #widening: 1 | 2;
  #live = 0;
  #peak = 0;

  constructor(kernels: ReferenceKernels, options: ReferenceOptions = {}) {
    this.#kernels = kernels;
    this.#widening = options.wide ? 2 : 1;
  }

  allocate(bytes: number): DeviceBuffer {
    let memory: ArrayBuffer;
    try {
      memory = new ArrayBuffer(bytes * this.#widening);
    } catch (cause) {
      throw new UserError({
        code: "device/out-of-memory",
        message: `the reference device could not allocate ${bytes} bytes beside ${this.#live} in use`,
        fix: "lower packing.max_tokens or training.batch_size, or take a smaller model",
        cause,
      });
    }
    this.#live += bytes;
    this.#peak = Math.max(this.#peak, this.#live);
    const buffer: HostBuffer = { bytes, memory };
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    memoryOf(buffer);
    (buffer as HostBuffer).memory = undefined;
    this.#live -= buffer.bytes;
  }

  write(target: BufferView, source: Uint8Array): void {
    const bytes = source.slice();
    const array = this.#array(target);
    if (array instanceof Float64Array) array.set(new Float32Array(bytes.buffer));
    else new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(bytes);
  }

  writeFrom(target: BufferView, fill: FillPart): void {
    const bytes = new Uint8Array(target.length * dtypeBytes[target.dtype]);
    fill(bytes, 0);
    this.write(target, bytes);
  }

  read(source: BufferView, target: Uint8Array): void {
    const array = this.#array(source);
    const narrow = array instanceof Float64Array ? new Float32Array(array) : array;
    target.set(new Uint8Array(narrow.buffer, narrow.byteOffset, narrow.byteLength));
  }

  hostBytes(view: BufferView): Uint8Array {
    const { buffer, byteOffset, byteLength } = this.#array(view);
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  copy(source: BufferView, target: BufferView): void {
    this.#array(target).set(this.#array(source));
  }

  zero(target: BufferView): void {
    this.#array(target).fill(0);
  }

  launch(kernel: string, args: readonly KernelArgument[]): void {
    const run = this.#kernels[kernel];
    if (run === undefined) throw new Error(`the reference device has no kernel "${kernel}"`);
    const rounded: { array: Uint16Array; floats: Float32Array }[] = [];
    const seen = args.map((argument) => {
      if (argument === null || typeof argument === "number") return argument;
      const array = this.#array(argument);
      if (!(array instanceof Uint16Array)) return array;
      const floats = decodeBf16(array);
      rounded.push({ array, floats });
      return floats;
    });
    run(...(seen as never[]));
    for (const { array, floats } of rounded) array.set(encodeBf16(floats));
  }

  wait(): void {}

  memory(): MemoryUse {
    return { live: this.#live, cached: 0, peak: this.#peak };
  }

  resetPeak(): void {
    this.#peak = this.#live;
  }

  close(): void {}

  #array(view: BufferView): HostArray {
    const memory = memoryOf(view.buffer);
    const offset = view.offset * this.#widening;
    switch (view.dtype) {
      case "f32":
        return this.#widening === 2
          ? new Float64Array(memory, offset, view.length)
          : new Float32Array(memory, offset, view.length);
      case "bf16":
        return new Uint16Array(memory, offset, view.length);
      case "i32":
        return new Int32Array(memory, offset, view.length);
      case "u8":
        return new Uint8Array(memory, offset, view.length);
    }
  }
}

function memoryOf(buffer: DeviceBuffer): ArrayBuffer {
  const { memory } = buffer as HostBuffer;
  if (memory === undefined) throw new Error("a freed buffer was used");
  return memory;
}
