/** What the kernels of an op see of the CUDA device: a way to launch CUDA C++ functions and large products. */
import type { BufferView, DType, KernelArgument } from "../device.ts";

/** A function of a `.cu` file. */
export interface CudaFunction {
  /** Path below `src/engine/ops`, such as `rmsnorm/rmsnorm.cu`. */
  readonly source: string;
  readonly name: string;
  /** One letter a parameter: p pointer, i int32, u uint32, l int64, f float. */
  readonly parameters: string;
}

/** How a function is specialised and spread over the card. */
export interface CudaLaunch {
  /** Macros of the source that name types, by the dtype of a view or by name: `{ X: x }` compiles with X as bf16 or f32. */
  readonly types?: Readonly<Record<string, BufferView | DType>>;
  /** Further macros: tile sizes, head sizes. Each combination is compiled once and cached. */
  readonly defines?: Readonly<Record<string, number>>;
  /** Blocks along x, y and z; those left out are 1. A launch with 0 blocks does nothing. */
  readonly grid: readonly [x: number, y?: number, z?: number];
  /** Threads a block. */
  readonly block: number;
  /** Dynamic shared memory in bytes. */
  readonly shared?: number;
}

/**
 * D = C + alpha · op(A)·op(B) (+ bias along columns). All row-major; `ld` is the distance of rows in elements.
 * A, B: both bf16 or both f32; D: f32 or bf16. Accumulation is f32.
 */
export interface Product {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  /** [rows, inner], or [inner, rows] where transposed. */
  readonly a: BufferView;
  readonly lda: number;
  readonly transposeA?: boolean;
  /** [inner, columns], or [columns, inner] where transposed. */
  readonly b: BufferView;
  readonly ldb: number;
  readonly transposeB?: boolean;
  readonly d: BufferView;
  readonly ldd: number;
  readonly alpha?: number;
  /** C: of the dtype of D, and may be D itself; nothing is added where it is left out. */
  readonly start?: BufferView | undefined;
  readonly ldstart?: number;
  /** [columns], of the dtype of D. */
  readonly bias?: BufferView | undefined;
}

export interface CudaProperties {
  readonly name: string;
  /** 80, 90, 100, 121, … */
  readonly architecture: number;
  readonly multiprocessors: number;
  /** The most dynamic shared memory a block can have, in bytes. */
  readonly sharedPerBlock: number;
  readonly totalMemory: number;
}

export interface CudaLauncher {
  readonly properties: CudaProperties;
  run(kernel: CudaFunction, launch: CudaLaunch, args: readonly KernelArgument[]): void;
  multiply(product: Product): void;
  /** Memory that lasts until the kernel function that asked for it returns; what was launched may still use it. */
  scratch(length: number, dtype: DType): BufferView;
}

/** How each kernel of an op is launched; parameters after the first are those of the kernel's contract. */
export type CudaKernels = Readonly<Record<string, (cuda: CudaLauncher, ...args: never[]) => void>>;

/** @param parameters one letter each, blanks between groups allowed */
export function cudaFunction(source: string, name: string, parameters: string): CudaFunction {
  return { source, name, parameters: parameters.replaceAll(" ", "") };
}

/** Blocks needed for `count` items, `each` a block. */
export function blocksFor(count: number, each: number): number {
  return Math.ceil(count / each);
}
