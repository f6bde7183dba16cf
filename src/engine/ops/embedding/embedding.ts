/**
 * Token embedding: y[t] = scale · table[ids[t]], by the kernels of ops/rows.
 */
import { dtypeCode } from "../../device/device.ts";
import { gradientOf, record } from "../../tensor/tape.ts";
import { empty, lastAxis, type Tensor } from "../../tensor/tensor.ts";

export interface EmbeddingOptions {
  /** Gemma multiplies by √d; default 1. */
  readonly scale?: number;
}

/**
 * @param table [vocabulary, width], f32 or bf16; trained only in f32
 * @param ids i32 [tokens], each below the vocabulary's size (not checked)
 * @returns [tokens, width]
 */
export function embedding(table: Tensor, ids: Tensor, { scale = 1 }: EmbeddingOptions = {}): Tensor {
  const width = lastAxis(table);
  const tokens = ids.length;
  const y = empty(table.device, [tokens, width], table.device.activations);
  table.device.launch("gather_rows", [y, table, dtypeCode[table.dtype], ids, tokens, width, scale]);
  record([y], [table], [ids], ([dy]) => {
    table.device.launch("scatter_rows", [gradientOf(table), dy!, ids, tokens, width, scale]);
    return [undefined];
  });
  return y;
}
