/**
 * The adapters of a group of linear layers: their low-rank activations h = x·Aᵀ are columns of one tensor, so that A's
 * that lie side by side in memory (as `addLora` places those of layers with the same input) take one product together.
 */
import { gradientOf } from "../../tensor/tape.ts";
import { empty, joined, lastAxis, rowCount, type Tensor } from "../../tensor/tensor.ts";
import { working } from "../../tensor/working-copy.ts";
import { columnsOf, matrix, multiplyForward, multiplyToInput, multiplyToWeights, weightMatrix } from "./products.ts";

/** y += scale · (x·Aᵀ)·Bᵀ */
export interface LowRank {
  /** [r, in] */
  readonly a: Tensor;
  /** [out, r] */
  readonly b: Tensor;
  readonly scale: number;
  /** What A reads in place of x: x after dropout. */
  readonly input?: Tensor;
}

interface Member {
  readonly adapter?: LowRank | undefined;
}

/** Columns begin..end-1 of h. */
export interface Columns {
  readonly begin: number;
  readonly end: number;
}

/** One or more A's that one product serves. */
export interface LowRankRun extends Columns {
  /** [end - begin, in] */
  readonly a: Tensor;
  /** What A reads. */
  readonly input: Tensor;
  /** That of `a`, where it is trained. */
  readonly gradient: () => Tensor | undefined;
}

export interface LowRankColumns {
  /** [m, ranks of all members] */
  readonly h: Tensor;
  /** By member; undefined where it has no adapter. */
  readonly columns: readonly (Columns | undefined)[];
  /** Those that read x first. */
  readonly runs: readonly LowRankRun[];
}

/** @returns undefined where no member has an adapter; h is not computed yet */
export function lowRankColumns(x: Tensor, members: readonly Member[]): LowRankColumns | undefined {
  let width = 0;
  const columns = members.map(({ adapter }): Columns | undefined => {
    if (!adapter) return undefined;
    const begin = width;
    width += adapter.a.shape[0]!;
    return { begin, end: width };
  });
  if (width === 0) return undefined;
  const onX = columns.flatMap((at, i) => {
    const { adapter } = members[i]!;
    return at && adapter && adapter.input === undefined ? [{ ...at, a: adapter.a }] : [];
  });
  const runs = [...(asOneRun(x, onX) ?? onX.map((one) => runOf(one, [one.a], x)))];
  members.forEach(({ adapter }, i) => {
    if (adapter?.input) runs.push(runOf({ ...columns[i]!, a: adapter.a }, [adapter.a], adapter.input));
  });
  return { h: empty(x.device, [rowCount(x), width], x.dtype), columns, runs };
}

/** All A's as one, if they, their rounded copies, their gradients and their columns lie side by side. */
function asOneRun(x: Tensor, parts: readonly (Columns & { readonly a: Tensor })[]): LowRankRun[] | undefined {
  if (parts.length < 2 || parts.some(({ begin }, i) => i > 0 && parts[i - 1]!.end !== begin)) return undefined;
  const all = parts.map(({ a }) => a);
  const a = joined(all.map(working));
  if (a === undefined) return undefined;
  const trained = all.filter(({ trainable }) => trainable).length;
  if (trained > 0 && (trained < all.length || joined(all.map(gradientOf)) === undefined)) return undefined;
  return [runOf({ begin: parts[0]!.begin, end: parts.at(-1)!.end, a }, all, x)];
}

function runOf(run: Columns & { readonly a: Tensor }, parts: readonly Tensor[], input: Tensor): LowRankRun {
  return { ...run, input, gradient: () => (parts[0]!.trainable ? joined(parts.map(gradientOf)) : undefined) };
}

/** h = input·Aᵀ for every run. */
export function multiplyByA({ h, runs }: LowRankColumns): void {
  for (const { a, input, begin, end } of runs) {
    if (a.shape[1] !== lastAxis(input)) throw new Error(`adapter: A [${a.shape}] on input [${input.shape}]`);
    multiplyForward(h.device, matrix(input), [{ weight: weightMatrix(a), y: columnsOf(h, begin, end) }]);
  }
}

/** outputs[i] = (accumulate ? outputs[i] : 0) + scale · h·Bᵀ for every member with an adapter. */
export function multiplyByB(
  { h, columns }: LowRankColumns,
  members: readonly Member[],
  outputs: readonly Tensor[],
  accumulate: boolean,
): void {
  members.forEach(({ adapter }, i) => {
    if (!adapter) return;
    const { begin, end } = columns[i]!;
    const y = matrix(outputs[i]!);
    const product = { weight: weightMatrix(adapter.b), y, start: accumulate ? y : undefined, alpha: adapter.scale };
    multiplyForward(h.device, columnsOf(h, begin, end), [product]);
  });
}

/** dh = scale · dy·B of every adapter; zero where no gradient arrives. */
export function gradientOfH(
  { h, columns }: LowRankColumns,
  members: readonly Member[],
  gradients: readonly (Tensor | undefined)[],
): Tensor {
  const { device } = h;
  const dh = empty(device, h.shape, h.dtype); // [m, R]
  if (members.some(({ adapter }, i) => adapter && gradients[i] === undefined)) device.zero(dh);
  members.forEach(({ adapter }, i) => {
    const dy = gradients[i];
    if (!adapter || dy === undefined) return;
    const { begin, end } = columns[i]!;
    const product = { dy: matrix(dy), weight: weightMatrix(adapter.b), alpha: adapter.scale };
    multiplyToInput(device, columnsOf(dh, begin, end), [product]);
  });
  return dh;
}

/** The gradients of the B's that are trained: += scale · dyᵀ·h. */
export function addGradientsOfB(
  { h, columns }: LowRankColumns,
  members: readonly Member[],
  gradients: readonly (Tensor | undefined)[],
): void {
  members.forEach(({ adapter }, i) => {
    const dy = gradients[i];
    if (!adapter?.b.trainable || dy === undefined) return;
    const { begin, end } = columns[i]!;
    const product = { dy: matrix(dy), dweight: gradientOf(adapter.b), alpha: adapter.scale };
    multiplyToWeights(h.device, columnsOf(h, begin, end), [product]);
  });
}
