/** Which products count as the same, for plans and for the choice of an algorithm; and the file that keeps the choices. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type DType, dtypeBytes } from "../device.ts";
import { ALGORITHM_BYTES } from "./cublaslt.ts";
import type { Product } from "./launcher.ts";

/** Products of fewer rows than this share a choice within an octave. */
const SMALL = 1024;

/** Of cuBLAS's operands: its a is the product's b. */
export interface Addresses {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly bias: number;
}

/** All of a product but its rows. */
export function shapeKey(product: Product): string {
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
export function bucket(size: number): number {
  const octave = 2 ** Math.ceil(Math.log2(size));
  return size > SMALL && size <= 0.75 * octave ? 0.75 * octave : octave;
}

/** Largest power of two, up to 16, that divides addresses and rows, in bytes: of cuBLAS's a, b, c and d. */
export function alignmentsOf({ a, b, d, lda, ldb, ldd, ldstart = ldd }: Product, at: Addresses): number[] {
  const [first, second, output] = [
    alignment(at.a, ldb, b.dtype),
    alignment(at.b, lda, a.dtype),
    alignment(at.d, ldd, d.dtype),
  ];
  return [first, second, alignment(at.c, ldstart, d.dtype), output];
}

function alignment(address: number, ld: number, dtype: DType): number {
  const bytes = ld * dtypeBytes[dtype];
  let largest = 16;
  while (address % largest !== 0 || bytes % largest !== 0) largest /= 2;
  return largest;
}

/** Algorithms by shape; a damaged file counts as none. */
export function readChoices(path: string | undefined): Map<string, Uint8Array> {
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

/** Writes the choices; what another process has put there meanwhile stays where these say nothing. */
export function writeChoices(path: string, choices: ReadonlyMap<string, Uint8Array>): void {
  const all = new Map([...readChoices(path), ...choices]);
  const encoded = Object.fromEntries([...all].map(([key, bytes]) => [key, Buffer.from(bytes).toString("base64")]));
  mkdirSync(dirname(path), { recursive: true });
  const writing = `${path}.${process.pid}`;
  writeFileSync(writing, JSON.stringify(encoded, null, 1));
  renameSync(writing, path);
}
