/**
 * Large products through cuBLASLt. For every shape the library proposes several algorithms; the first time one is met,
 * the best few are timed and the choice is kept, on disk too: another algorithm would sum in another order, and a run
 * that is resumed must come to the same bits.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { LibraryHandle } from "koffi";
import { type BufferView, type DType, dtypeBytes } from "../device.ts";
import type { Product } from "./launcher.ts";

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

/** Names of cublasLt.h and library_types.h. */
const enums = {
  R_32F: 0,
  R_16BF: 14,
  COMPUTE_32F: 68,
  DESC_TRANSA: 3,
  DESC_TRANSB: 4,
  DESC_EPILOGUE: 7,
  DESC_BIAS_POINTER: 8,
  EPILOGUE_BIAS: 4,
  OP_T: 1,
  PREFERENCE_MAX_WORKSPACE: 1,
  PREFERENCE_MIN_ALIGNMENT_A: 5,
  PREFERENCE_MIN_ALIGNMENT_B: 6,
  PREFERENCE_MIN_ALIGNMENT_C: 7,
  PREFERENCE_MIN_ALIGNMENT_D: 8,
} as const;

const ALGORITHM_BYTES = 64;
/** cublasLtMatmulHeuristicResult_t: the algorithm, bytes of workspace, a status, waves, four reserved words. */
const RESULT_BYTES = ALGORITHM_BYTES + 32;
const STATUS_AT = ALGORITHM_BYTES + 8;
const PROPOSALS = 8;
const TIMED = 5;
const TIMED_RUNS = 3;
/** Products below this many multiplications take the first proposal: timing them would be noise. */
const WORTH_TIMING = 2 ** 26;
const KEPT_PLANS = 8192;
const SMALL = 1024;

type Call = (...args: unknown[]) => number;

interface Plan {
  readonly description: number;
  readonly layouts: { readonly a: number; readonly b: number; readonly c: number; readonly d: number };
  readonly algorithm: Uint8Array;
}

export class Products {
  readonly #options: ProductsOptions;
  readonly #handle: number;
  readonly #calls: ReturnType<typeof bind>;
  readonly #plans = new Map<string, Plan>();
  /** Algorithms by shape, rows rounded up: a few hundred tokens more or less share one. */
  readonly #choices: Map<string, Uint8Array>;
  #saved: number;
  readonly #alpha = new Float32Array(1);
  readonly #beta = new Float32Array(1);

  constructor(options: ProductsOptions) {
    this.#options = options;
    this.#calls = bind(options.library);
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
    const choices = Object.fromEntries(
      [...this.#choices].map(([key, bytes]) => [key, Buffer.from(bytes).toString("base64")]),
    );
    // What another process has chosen meanwhile stays, where this one has not.
    const others = readChoices(choicesFile);
    for (const [key, bytes] of others) choices[key] ??= Buffer.from(bytes).toString("base64");
    mkdirSync(dirname(choicesFile), { recursive: true });
    const writing = `${choicesFile}.${process.pid}`;
    writeFileSync(writing, JSON.stringify(choices, null, 1));
    renameSync(writing, choicesFile);
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
      calls.makeDescription(out, enums.COMPUTE_32F, enums.R_32F),
    );
    const set = (attribute: number, value: number): void =>
      check("cublasLtMatmulDescSetAttribute", calls.describe(description, attribute, Int32Array.of(value), 4));
    // Row-major [inner, columns] is column-major [columns, inner]: as the first operand (columns × inner) it is as it is.
    if (transposeB) set(enums.DESC_TRANSA, enums.OP_T);
    if (transposeA) set(enums.DESC_TRANSB, enums.OP_T);
    if (bias) set(enums.DESC_EPILOGUE, enums.EPILOGUE_BIAS);
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
      check("cublasLtMatmulPreferenceSetAttribute", calls.prefer(preference, attribute, value, value.length));
    set(enums.PREFERENCE_MAX_WORKSPACE, new Uint8Array(BigUint64Array.of(this.#workspaceBytes).buffer));
    const [a, b, c, d] = alignments;
    for (const [attribute, alignment] of [
      [enums.PREFERENCE_MIN_ALIGNMENT_A, a],
      [enums.PREFERENCE_MIN_ALIGNMENT_B, b],
      [enums.PREFERENCE_MIN_ALIGNMENT_C, c],
      [enums.PREFERENCE_MIN_ALIGNMENT_D, d],
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
    const status = this.#calls.describe(description, enums.DESC_BIAS_POINTER, value, 8);
    check("cublasLtMatmulDescSetAttribute", status);
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
    check("cublasLtMatmul", status);
  }

  #make(what: string, call: (out: BigUint64Array) => number): number {
    const out = new BigUint64Array(1);
    check(what, call(out));
    return Number(out[0]);
  }

  #destroyPlan({ description, layouts }: Plan): void {
    this.#calls.destroyDescription(description);
    for (const layout of Object.values(layouts)) this.#calls.destroyLayout(layout);
  }
}

/** Of cuBLAS's operands: its a is the product's b. */
interface Addresses {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly bias: number;
}

function bind(library: LibraryHandle) {
  const call = (name: string, parameters: readonly string[]): Call => library.func(name, "int", [...parameters]);
  const [p, n, at, i] = ["void *", "uint64", "uint64", "int"] as const; // host array, handle, device address, number
  return {
    create: call("cublasLtCreate", [p]),
    destroy: call("cublasLtDestroy", [n]),
    makeDescription: call("cublasLtMatmulDescCreate", [p, i, i]),
    describe: call("cublasLtMatmulDescSetAttribute", [n, i, p, "uint64"]),
    destroyDescription: call("cublasLtMatmulDescDestroy", [n]),
    makeLayout: call("cublasLtMatrixLayoutCreate", [p, i, "uint64", "uint64", "int64"]),
    destroyLayout: call("cublasLtMatrixLayoutDestroy", [n]),
    makePreference: call("cublasLtMatmulPreferenceCreate", [p]),
    prefer: call("cublasLtMatmulPreferenceSetAttribute", [n, i, p, "uint64"]),
    destroyPreference: call("cublasLtMatmulPreferenceDestroy", [n]),
    propose: call("cublasLtMatmulAlgoGetHeuristic", [n, n, n, n, n, n, n, i, p, p]),
    checkAlgorithm: call("cublasLtMatmulAlgoCheck", [n, n, n, n, n, n, p, p]),
    multiply: call("cublasLtMatmul", [n, n, p, at, n, at, n, p, at, n, at, n, p, at, "uint64", n]),
  };
}

function check(what: string, status: number): void {
  if (status !== 0) throw new Error(`${what} failed with cuBLAS status ${status}`);
}

function cudaType(dtype: DType): number {
  if (dtype === "f32") return enums.R_32F;
  if (dtype === "bf16") return enums.R_16BF;
  throw new Error(`products of ${dtype} do not exist`);
}

/** All of a product but its rows. */
function shapeKey(product: Product): string {
  const {
    columns,
    inner,
    a,
    b,
    d,
    lda,
    ldb,
    ldd,
    transposeA = false,
    transposeB = false,
    bias,
    start,
    ldstart,
  } = product;
  // Where A is transposed the tokens are what is summed over, and the rows are a property of the model.
  const depth = transposeA ? bucket(inner) : inner;
  const operands = `${a.dtype}${lda}${transposeA ? "t" : ""} ${b.dtype}${ldb}${transposeB ? "t" : ""} ${d.dtype}${ldd}`;
  return `${columns} ${depth} ${operands}${start ? ` +${ldstart ?? ldd}` : ""}${bias ? " b" : ""}`;
}

/** Two sizes to an octave; one for small products, whose number of rows changes from step to step. */
function bucket(size: number): number {
  const octave = 2 ** Math.ceil(Math.log2(size));
  return size > SMALL && size <= 0.75 * octave ? 0.75 * octave : octave;
}

/** Largest power of two, up to 256, that divides addresses and rows, in bytes: of cuBLAS's a, b and d. */
function alignmentsOf({ a, b, d, lda, ldb, ldd, ldstart = ldd }: Product, at: Addresses): number[] {
  const [first, second, output] = [
    alignment(at.a, ldb, b.dtype),
    alignment(at.b, lda, a.dtype),
    alignment(at.d, ldd, d.dtype),
  ];
  return [first, second, alignment(at.c, ldstart, d.dtype), output];
}

function alignment(address: number, ld: number, dtype: DType): number {
  const bytes = ld * dtypeBytes[dtype];
  let largest = 256;
  while (address % largest !== 0 || bytes % largest !== 0) largest /= 2;
  return Math.min(largest, 16);
}

function readChoices(path: string | undefined): Map<string, Uint8Array> {
  if (path === undefined || !existsSync(path)) return new Map();
  try {
    const choices = Object.entries(JSON.parse(readFileSync(path, "utf8")) as Record<string, string>);
    const decoded = choices.map(([key, text]) => [key, new Uint8Array(Buffer.from(text, "base64"))] as const);
    return new Map(decoded.filter(([, bytes]) => bytes.length === ALGORITHM_BYTES));
  } catch {
    // A damaged cache is made anew.
    return new Map();
  }
}
