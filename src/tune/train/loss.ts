/** The training objective of one pack, summed over its rows. */
import { scope, unscoped } from "../../engine/tensor/scope.ts";
import { Tape } from "../../engine/tensor/tape.ts";
import { release, type Tensor, toFloats } from "../../engine/tensor/tensor.ts";
import type { Decoder, HiddenOptions } from "../../model/families/decoder.ts";
import type { Pack } from "../data/pack.ts";
import { nextTokenObjective, type Objective } from "./objective.ts";

export interface PackLossOptions extends Omit<HiddenOptions, "rows" | "cache"> {
  /** Run the last layer's queries and MLP and the head on supervised rows alone; otherwise on all, for the same loss. */
  readonly supervisedRowsOnly: boolean;
  /** What is minimised; default: cross-entropy of the token that follows each row. */
  readonly objective?: Objective | undefined;
  /** Called when the forward pass is over and what it keeps is all that it left. */
  readonly onForward?: () => void;
}

/** Σ over the pack's rows of weight · loss, without gradients. */
export function packLoss(decoder: Decoder, pack: Pack, options: PackLossOptions): number {
  return packLosses(decoder, pack, options).reduce((total, loss) => total + loss, 0);
}

/** Weight · loss of each of the pack's rows, without gradients. */
export function packLosses(decoder: Decoder, pack: Pack, options: PackLossOptions): Float32Array {
  if (pack.rows.length === 0) return new Float32Array(0);
  return scope(() => ({ losses: toFloats(rowLosses(decoder, pack, 1, options)) })).losses;
}

/**
 * The same, with the gradients of scale · Σ added to those of the trainable parameters. All of it is launched when this
 * returns; the function that is returned waits for the sum.
 * @param scale 1 / what the targets of the whole optimizer step count, so that packing and accumulation change nothing
 */
export function accumulateGradients(
  decoder: Decoder,
  pack: Pack,
  scale: number,
  options: PackLossOptions,
): () => number {
  if (pack.rows.length === 0) return () => 0;
  const compute = (): Tensor => {
    const tape = new Tape({ dropCheap: options.recompute?.cheap ?? false });
    try {
      const losses = tape.run(() => rowLosses(decoder, pack, scale, options));
      options.onForward?.();
      tape.backward([[losses, losses]]);
      return losses;
    } finally {
      tape.clear();
    }
  };
  const losses = unscoped(() => scope(compute));
  return () => {
    const total = sum(losses);
    release(losses);
    return total;
  };
}

/** @returns the losses, weighted but not scaled */
function rowLosses(decoder: Decoder, pack: Pack, scale: number, options: PackLossOptions): Tensor {
  const { supervisedRowsOnly: rowsOnly, objective = nextTokenObjective(decoder), dropoutSeed } = options;
  const hidden = decoder.hidden(pack, { ...options, rows: rowsOnly ? pack.rows : undefined });
  return objective(hidden, { pack, rowsOnly, scale, dropoutSeed });
}

function sum(losses: Tensor): number {
  return toFloats(losses).reduce((total, loss) => total + loss, 0);
}
