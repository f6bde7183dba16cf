/** Tensors that follow each other in memory, so that one kernel can go over many. */
import type { Storage } from "../tensor/storage.ts";
import { follows, Tensor } from "../tensor/tensor.ts";

/**
 * Tensors in runs: those of a run lie one after the other, without a gap, in one storage and in the run's order. Runs are
 * in the order of their storages' first tensors.
 * @param unit a run goes on only where its length so far is a multiple of this
 */
export function sideBySide(tensors: readonly Tensor[], unit: number = 1): Tensor[][] {
  const order = new Map<Storage, number>();
  for (const { storage } of tensors) if (!order.has(storage)) order.set(storage, order.size);
  const sorted = [...tensors].sort(
    (a, b) => order.get(a.storage)! - order.get(b.storage)! || a.offset - b.offset || a.length - b.length,
  );
  const runs: Tensor[][] = [];
  let previous: Tensor | undefined;
  for (const tensor of sorted) {
    if (previous && follows(tensor, previous) && previous.length % unit === 0) runs.at(-1)!.push(tensor);
    else runs.push([tensor]);
    previous = tensor;
  }
  return runs;
}

/** A run as one vector. */
export function joinedFlat(run: readonly Tensor[]): Tensor {
  const [first, ...rest] = run;
  let previous = first!;
  let length = previous.length;
  for (const tensor of rest) {
    if (!follows(tensor, previous)) throw new Error("joinedFlat: the tensors do not lie side by side");
    length += tensor.length;
    previous = tensor;
  }
  return new Tensor(first!.storage, [length], first!.dtype, first!.offset);
}
