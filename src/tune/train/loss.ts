/** The training objective of one pack: cross-entropy on its supervised rows. */
import { linearCrossEntropy } from "../../engine/ops/cross-entropy/cross-entropy.ts";
import { scope, unscoped } from "../../engine/tensor/scope.ts";
import { Tape } from "../../engine/tensor/tape.ts";
import { fromHost, release, type Tensor, toFloats } from "../../engine/tensor/tensor.ts";
import type { Decoder, HiddenOptions } from "../../model/families/decoder.ts";
import type { Pack } from "../data/pack.ts";

export interface PackLossOptions extends Omit<HiddenOptions, "rows" | "cache"> {
  /** Run the last layer's queries and MLP and the head on supervised rows alone; otherwise on all, for the same loss. */
  readonly supervisedRowsOnly: boolean;
  /** Called when the forward pass is over and what it keeps is all that it left. */
  readonly onForward?: () => void;
}

/** Σ over supervised rows of weight · cross-entropy, without gradients. */
export function packLoss(decoder: Decoder, pack: Pack, options: PackLossOptions): number {
  if (pack.rows.length === 0) return 0;
  return scope(() => sum(rowLosses(decoder, pack, 1, options)));
}

/**
 * The same, with the gradients of scale · Σ added to those of the trainable parameters. All of it is launched when this
 * returns; the function that is returned waits for the sum.
 * @param scale 1 / targets of the whole optimizer step, so that packing and accumulation change nothing
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

/** @returns [rows], weighted but not scaled */
function rowLosses(decoder: Decoder, pack: Pack, scale: number, options: PackLossOptions): Tensor {
  const { device, head, config } = decoder;
  const { rows, targets, weights } = options.supervisedRowsOnly ? pack : allRows(pack);
  const hidden = decoder.hidden(pack, { ...options, rows });
  const softcap = config.logitSoftcap;
  return linearCrossEntropy(hidden, head, fromHost(device, targets), fromHost(device, weights), scale, { softcap });
}

function sum(losses: Tensor): number {
  return toFloats(losses).reduce((total, loss) => total + loss, 0);
}

/** Every row through the head, with weight 0 where nothing is taught. */
function allRows(pack: Pack): Pick<Pack, "rows" | "targets" | "weights"> {
  const count = pack.tokens.length;
  const targets = new Int32Array(count);
  const weights = new Float32Array(count);
  pack.rows.forEach((row, i) => {
    targets[row] = pack.targets[i]!;
    weights[row] = pack.weights[i]!;
  });
  return { rows: Int32Array.from({ length: count }, (_, i) => i), targets, weights };
}
