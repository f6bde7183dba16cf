/** Adapters merged into the weights that they sit on. */
import { UserError } from "../../base/errors.ts";
import type { LoraAdapter } from "../../engine/nn/linear.ts";
import { toFloats } from "../../engine/tensor/tensor.ts";
import { linearsOf } from "./model.ts";
import type { StreamedModel } from "./streamed-model.ts";

/** Rows of A that are added to a row of W in one pass over it. */
const TOGETHER = 4;

/**
 * W ← W + scale · B · A, in f32; with a magnitude its rows then take these lengths, as DoRA has it (see ops/dora).
 * @param weight [out, in]
 */
export function mergeInto(weight: Float32Array, { a, b, scale, magnitude }: LoraAdapter): void {
  const [rank, inFeatures] = [a.shape[0]!, a.shape[1]!];
  const outFeatures = b.shape[0]!;
  // Missing rows of the last pass are zero.
  const padded = Math.ceil(rank / TOGETHER) * TOGETHER;
  const rowsOfA = new Float32Array(padded * inFeatures);
  rowsOfA.set(toFloats(a));
  const factors = toFloats(b);
  const strength = new Float64Array(padded);
  const lengths = magnitude && toFloats(magnitude);
  for (let out = 0; out < outFeatures; out++) {
    for (let r = 0; r < rank; r++) strength[r] = scale * factors[out * rank + r]!;
    const row = weight.subarray(out * inFeatures, (out + 1) * inFeatures);
    for (let r = 0; r < padded; r += TOGETHER) {
      const [s0, s1, s2, s3] = [strength[r]!, strength[r + 1]!, strength[r + 2]!, strength[r + 3]!];
      const [r0, r1, r2, r3] = [r * inFeatures, (r + 1) * inFeatures, (r + 2) * inFeatures, (r + 3) * inFeatures];
      for (let i = 0; i < inFeatures; i++) {
        row[i] =
          row[i]! + s0 * rowsOfA[r0 + i]! + s1 * rowsOfA[r1 + i]! + s2 * rowsOfA[r2 + i]! + s3 * rowsOfA[r3 + i]!;
      }
    }
    if (lengths) stretch(row, lengths[out]!);
  }
}

/** A row of zeros stays what it is. */
function stretch(row: Float32Array, length: number): void {
  let squares = 0;
  for (const value of row) squares += value * value;
  const factor = squares > 0 ? length / Math.sqrt(squares) : 0;
  for (let i = 0; i < row.length; i++) row[i]! *= factor;
}

/** Whether an adapter changes the parameter. */
export function isMerged(model: StreamedModel, name: string): boolean {
  return adapterOf(linearsOf(model), name) !== undefined;
}

/**
 * A parameter with the model's adapter merged in, row-major.
 * @throws UserError where that is not finite
 */
export function mergedFloats(model: StreamedModel, name: string): Float32Array {
  const values = model.floats(name);
  const adapter = adapterOf(linearsOf(model), name);
  if (adapter === undefined) return values;
  mergeInto(values, adapter);
  if (values.every(Number.isFinite)) return values;
  throw new UserError({
    code: "export/not-finite",
    message: `"${name}" with the adapter merged in has values that are not finite`,
    where: model.folder,
    fix: "the adapter is damaged: train again, with a lower learning rate",
  });
}

function adapterOf(linears: ReturnType<typeof linearsOf>, parameter: string): LoraAdapter | undefined {
  return parameter.endsWith(".weight") ? linears.get(parameter.slice(0, -".weight".length))?.adapter : undefined;
}
