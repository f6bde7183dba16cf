import { gatherRows } from "../../engine/ops/rows/rows.ts";
import { segmentMean } from "../../engine/ops/segment-mean/segment-mean.ts";
import { fromHost, type Tensor } from "../../engine/tensor/tensor.ts";
import type { Pack } from "../data/pack.ts";

/**
 * What a class head reads of each example of a pack: the hidden state of one token, or the mean of all.
 * @param hidden [rows or tokens, hidden] @param rowsOnly whether it is of the pack's rows alone @returns [examples, hidden]
 */
export function pooled(hidden: Tensor, { rows, begins }: Pack, rowsOnly: boolean): Tensor {
  if (begins) return segmentMean(hidden, begins);
  return rowsOnly ? hidden : gatherRows(hidden, fromHost(hidden.device, rows));
}
