/**
 * A device is bytes and kernels, no tensors: where arrays live and what runs on them. Three exist: `reference` (plain
 * TypeScript, the definition of every kernel), `cpu` (C) and `cuda`. Kernels are known by name; which arguments each
 * takes, in which order, is the contract of its op folder.
 */
export type DeviceName = "reference" | "cpu" | "cuda";

/** What products of matrices compute in: inputs in f32, or rounded to bf16; accumulation is f32 or wider in both. */
export type Precision = "f32" | "bf16";

export type DType = "f32" | "bf16" | "i32" | "u8";

export const dtypeBytes: Readonly<Record<DType, number>> = { f32: 4, bf16: 2, i32: 4, u8: 1 };

/** Code under which a kernel that takes several dtypes learns which one it got. */
export const dtypeCode: Readonly<Record<DType, number>> = { f32: 0, bf16: 1, i32: 2, u8: 3 };

export const precisionCode: Readonly<Record<Precision, number>> = { f32: 0, bf16: 1 };

/** Memory of one device; only that device looks inside. */
export interface DeviceBuffer {
  readonly bytes: number;
}

/** A typed range of a buffer, as a kernel sees it. `offset` is in bytes, `length` in elements. */
export interface BufferView {
  readonly buffer: DeviceBuffer;
  readonly offset: number;
  readonly length: number;
  readonly dtype: DType;
}

/** Fills all of `part`, which is `begin` bytes into the whole. */
export type FillPart = (part: Uint8Array, begin: number) => void;

export type KernelArgument = BufferView | number | null;

/** Bytes: held by tensors, kept for reuse, and the most ever held at once. */
export interface MemoryUse {
  readonly live: number;
  readonly cached: number;
  readonly peak: number;
}

export interface Device {
  readonly name: DeviceName;
  /** One line for people: `cpu: 2 threads, AMX bf16`. */
  readonly description: string;
  readonly precision: Precision;
  /** What activations and their gradients are held in; statistics, losses and optimizer states are f32 everywhere. */
  readonly activations: "f32" | "bf16";
  /** Whether products that share an input gain from being launched together; otherwise each follows the other. */
  readonly batchesProducts: boolean;
  /** Most bytes it may hold, where that is its own to say; otherwise the system's memory is the limit. */
  readonly budget?: number;
  /** @throws UserError when memory does not suffice, with what was asked and what is there. */
  allocate(bytes: number): DeviceBuffer;
  /**
   * Memory of the host that kernels read and write where it is, slowly; there where the device has memory of its own. It
   * counts in neither `memory` nor `budget`.
   * @throws UserError when the host has too little
   */
  readonly allocateOnHost?: ((bytes: number) => DeviceBuffer) | undefined;
  /** Gives the buffer back; its contents are undefined from here on. */
  free(buffer: DeviceBuffer): void;
  /** Copies host bytes in; `source` holds `length` elements of the view's dtype, little-endian. */
  write(target: BufferView, source: Uint8Array): void;
  /**
   * The same for bytes that `fill` puts, part after part, where the device takes them from, so that a file is read once
   * and copied no more than it must be.
   */
  writeFrom(target: BufferView, fill: FillPart): void;
  read(source: BufferView, target: Uint8Array): void;
  /** The bytes of a view themselves, where device memory is the host's; good until the buffer is freed. */
  readonly hostBytes?: ((view: BufferView) => Uint8Array) | undefined;
  /** Device to device, equal dtypes and lengths. */
  copy(source: BufferView, target: BufferView): void;
  zero(target: BufferView): void;
  /** Runs a kernel after everything launched before it. */
  launch(kernel: string, args: readonly KernelArgument[]): void;
  /** Returns when everything launched has finished. */
  wait(): void;
  memory(): MemoryUse;
  /** Starts the peak of `memory()` anew from what is live now. */
  resetPeak(): void;
  close(): void;
}
