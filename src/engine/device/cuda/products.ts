/**
 * Large products through cuBLASLt. For every shape the library proposes several algorithms; the first time one is met,
 * the best few are timed and the choice is kept, on disk too: another algorithm would sum in another order, and a run
 * that is resumed must come to the same bits.
 */
import type { LibraryHandle } from "koffi";
import { type BufferView, type DType, dtypeBytes } from "../device.ts";
import {
  ALGORITHM_BYTES,
  bindCublas,
  type CublasCalls,
  checkCublas,
  cublasNames,
  cudaType,
  RESULT_BYTES,
  STATUS_AT,
} from "./cublaslt.ts";
import type { Product } from "./launcher.ts";
import { type Addresses, alignmentsOf, bucket, readChoices, shapeKey, writeChoices } from "./product-shapes.ts";

export interface ProductsOptions {
  /** libcublasLt. */
  readonly library: LibraryHandle;
  readonly stream: number;
  /** Device memory that products use while they run. */
  readonly workspace: { readonly address: number; readonly bytes: number };
  /** Device memory for the time of `body`, which is given its address. */
  readonly borrow: (bytes: number, body: (address: number) => void) => void;
  /** Milliseconds that the launches of `body` take on the stream. */
  readonly time: (body: () => void) => number;
  /** Where choices are kept; none: only in memory. The name must tell card and driver. */
  readonly choicesFile: string | undefined;
}

const PROPOSALS = 8;
const TIMED = 5;
const TIMED_RUNS = 3;
/** Products below this many multiplications take the first proposal: timing them would be noise. */
const WORTH_TIMING = 2 ** 26;
const KEPT_PLANS = 8192;

interface Plan {
  readonly description: number;
  readonly layouts: { readonly a: number; readonly b: number; readonly c: number; readonly d: number };
  readonly algorithm: Uint8Array;
}

export class Products {
  readonly #options: ProductsOptions;
  readonly #handle: number;
  readonly #calls: CublasCalls;
  readonly #plans = new Map<string, Plan>();
  /** Algorithms by shape, rows rounded up: a few hundred tokens more or less share one. */
  readonly #choices: Map<string, Uint8Array>;
  #saved: number;
  readonly #alpha = new Float32Array(1);
  readonly #beta = new Float32Array(1);

  constructor(options: ProductsOptions) {
    this.#options = options;
    this.#calls = bindCublas(options.library);
    this.#handle = this.#make("cublasLtCreate", (out) => this.#calls.create(out));
    this.#choices = readChoices(options.choicesFile);
    this.#saved = this.#choices.size;
  }

  /** @param addressOf the device address of a view */
  multiply(product: Product, addressOf: (view: BufferView) => number): void {
    const { rows, columns, inner, a, b, d, start, bias, alpha = 1 } = product;
    if (rows === 0 || columns === 0) return;
    if (inner === 0) throw new Error("a product over 0 values");
    // In cuBLAS's column-major view all matrices are transposed, so Dᵀ = op(B)ᵀ·op(A)ᵀ: B is its first operand.
    const to = addressOf(d);
    const at = {
      a: addressOf(b),
      b: addressOf(a),
      c: start ? addressOf(start) : to,
      d: to,
      bias: bias ? addressOf(bias) : 0,
    };
    const plan = this.#plan(product, at);
    this.#alpha[0] = alpha;
    this.#beta[0] = start ? 1 : 0;
    if (bias) this.#setBias(plan, at.bias);
    this.#run(plan, at, plan.algorithm);
  }

  /** Choices made since the last call go to disk. */
  save(): void {
    const { choicesFile } = this.#options;
    if (choicesFile === undefined || this.#choices.size === this.#saved) return;
    writeChoices(choicesFile, this.#choices);
    this.#saved = this.#choices.size;
  }

  close(): void {
    this.save();
    for (const plan of this.#plans.values()) this.#destroyPlan(plan);
    this.#plans.clear();
    this.#calls.destroy(this.#handle);
  }

  #plan(product: Product, at: Addresses): Plan {
    const alignments = alignmentsOf(product, at);
    const key = `${product.rows} ${product.inner} ${shapeKey(product)} ${alignments.join()}`;
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      if (this.#plans.size >= KEPT_PLANS) {
        const [oldest, dropped] = this.#plans.entries().next().value!;
        this.#plans.delete(oldest);
        this.#destroyPlan(dropped);
      }
      plan = this.#makePlan(product, at, alignments);
      this.#plans.set(key, plan);
    }
    return plan;
  }

  #makePlan(product: Product, at: Addresses, alignments: readonly number[]): Plan {
    const { rows, columns, inner, a, b, d, lda, ldb, ldd, transposeA = false, transposeB = false, bias } = product;
    const calls = this.#calls;
    const description = this.#make("cublasLtMatmulDescCreate", (out) =>
      calls.makeDescription(out, cublasNames.COMPUTE_32F, cublasNames.R_32F),
    );
    const set = (attribute: number, value: number): void =>
      checkCublas("cublasLtMatmulDescSetAttribute", calls.describe(description, attribute, Int32Array.of(value), 4));
    // Row-major [inner, columns] is column-major [columns, inner]: as the first operand (columns × inner) it is as it is.
    if (transposeB) set(cublasNames.DESC_TRANSA, cublasNames.OP_T);
    if (transposeA) set(cublasNames.DESC_TRANSB, cublasNames.OP_T);
    if (bias) set(cublasNames.DESC_EPILOGUE, cublasNames.EPILOGUE_BIAS);
    const layout = (dtype: DType, height: number, width: number, ld: number): number =>
      this.#make("cublasLtMatrixLayoutCreate", (out) => calls.makeLayout(out, cudaType(dtype), height, width, ld));
    const layouts = {
      a: transposeB ? layout(b.dtype, inner, columns, ldb) : layout(b.dtype, columns, inner, ldb),
      b: transposeA ? layout(a.dtype, rows, inner, lda) : layout(a.dtype, inner, rows, lda),
      c: layout(d.dtype, columns, rows, product.ldstart ?? ldd),
      d: layout(d.dtype, columns, rows, ldd),
    };
    const plan = { description, layouts };
    if (bias) this.#setBias(plan, at.bias);
    return { ...plan, algorithm: this.#choose(product, plan, at, alignments) };
  }

  #choose(product: Product, plan: Omit<Plan, "algorithm">, at: Addresses, alignments: readonly number[]): Uint8Array {
    const key = `${bucket(product.rows)} ${shapeKey(product)} ${alignments.join()}`;
    const known = this.#choices.get(key);
    if (known !== undefined && this.#works(plan, known)) return known;
    const proposals = this.#proposals(product, plan, alignments);
    const worthTiming = product.rows * product.columns * product.inner >= WORTH_TIMING;
    const algorithm = worthTiming ? this.#fastest(product, plan, at, proposals) : proposals[0]!;
    this.#choices.set(key, algorithm);
    return algorithm;
  }

  #works({ description, layouts }: Omit<Plan, "algorithm">, algorithm: Uint8Array): boolean {
    const result = new Uint8Array(RESULT_BYTES);
    const { a, b, c, d } = layouts;
    if (this.#calls.checkAlgorithm(this.#handle, description, a, b, c, d, algorithm, result) !== 0) return false;
    const view = new DataView(result.buffer);
    return view.getInt32(STATUS_AT, true) === 0 && view.getBigUint64(ALGORITHM_BYTES, true) <= this.#workspaceBytes;
  }

  get #workspaceBytes(): bigint {
    return BigInt(this.#options.workspace.bytes);
  }

  #proposals(
    product: Product,
    { description, layouts }: Omit<Plan, "algorithm">,
    alignments: readonly number[],
  ): Uint8Array[] {
    const calls = this.#calls;
    const preference = this.#make("cublasLtMatmulPreferenceCreate", (out) => calls.makePreference(out));
    const set = (attribute: number, value: Uint8Array): void =>
      checkCublas("cublasLtMatmulPreferenceSetAttribute", calls.prefer(preference, attribute, value, value.length));
    set(cublasNames.PREFERENCE_MAX_WORKSPACE, new Uint8Array(BigUint64Array.of(this.#workspaceBytes).buffer));
    const [a, b, c, d] = alignments;
    for (const [attribute, alignment] of [
      [cublasNames.PREFERENCE_MIN_ALIGNMENT_A, a],
      [cublasNames.PREFERENCE_MIN_ALIGNMENT_B, b],
      [cublasNames.PREFERENCE_MIN_ALIGNMENT_C, c],
      [cublasNames.PREFERENCE_MIN_ALIGNMENT_D, d],
    ] as const) {
      set(attribute, new Uint8Array(Uint32Array.of(alignment!).buffer));
    }
    const results = new Uint8Array(RESULT_BYTES * PROPOSALS);
    const found = new Int32Array(1);
    const operands = [description, layouts.a, layouts.b, layouts.c, layouts.d];
    const status = calls.propose(this.#handle, ...operands, preference, PROPOSALS, results, found);
    calls.destroyPreference(preference);
    const algorithms: Uint8Array[] = [];
    for (let i = 0; i < found[0]!; i++) {
      const result = results.subarray(i * RESULT_BYTES, (i + 1) * RESULT_BYTES);
      const usable = new DataView(result.buffer, result.byteOffset).getInt32(STATUS_AT, true) === 0;
      if (usable) algorithms.push(result.slice(0, ALGORITHM_BYTES));
    }
    if (status !== 0 || algorithms.length === 0) {
      const { rows, columns, inner } = product;
      throw new Error(`cuBLASLt has no algorithm for ${rows}x${inner}x${columns} (${shapeKey(product)}): ${status}`);
    }
    return algorithms;
  }

  #fastest(
    product: Product,
    plan: Omit<Plan, "algorithm">,
    at: Addresses,
    proposals: readonly Uint8Array[],
  ): Uint8Array {
    this.#alpha[0] = product.alpha ?? 1;
    this.#beta[0] = product.start ? 1 : 0;
    let best = proposals[0]!;
    let shortest = Number.POSITIVE_INFINITY;
    // The result goes elsewhere: a product that adds to what is there would add many times.
    this.#options.borrow(product.rows * product.ldd * dtypeBytes[product.d.dtype], (into) => {
      for (const algorithm of proposals.slice(0, TIMED)) {
        this.#run(plan, at, algorithm, into);
        const time = this.#options.time(() => {
          for (let run = 0; run < TIMED_RUNS; run++) this.#run(plan, at, algorithm, into);
        });
        // What is within 2 % counts as equal, so that choices seldom differ from one day to the next.
        if (time < shortest * 0.98) {
          shortest = time;
          best = algorithm;
        }
      }
    });
    return best;
  }

  #setBias({ description }: Pick<Plan, "description">, address: number): void {
    const value = BigUint64Array.of(BigInt(address));
    const status = this.#calls.describe(description, cublasNames.DESC_BIAS_POINTER, value, 8);
    checkCublas("cublasLtMatmulDescSetAttribute", status);
  }

  #run(
    { description, layouts }: Omit<Plan, "algorithm">,
    at: Addresses,
    algorithm: Uint8Array,
    into: number = at.d,
  ): void {
    const { workspace, stream } = this.#options;
    const status = this.#calls.multiply(
      this.#handle,
      description,
      this.#alpha,
      at.a,
      layouts.a,
      at.b,
      layouts.b,
      this.#beta,
      at.c,
      layouts.c,
      into,
      layouts.d,
      algorithm,
      workspace.address,
      workspace.bytes,
      stream,
    );
    checkCublas("cublasLtMatmul", status);
  }

  #make(what: string, call: (out: BigUint64Array) => number): number {
    const out = new BigUint64Array(1);
    checkCublas(what, call(out));
    return Number(out[0]);
  }

  #destroyPlan({ description, layouts }: Plan): void {
    this.#calls.destroyDescription(description);
    for (const layout of Object.values(layouts)) this.#calls.destroyLayout(layout);
  }
}
