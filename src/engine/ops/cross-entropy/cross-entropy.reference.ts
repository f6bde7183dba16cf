import type { Floats } from "../../device/reference/reference-device.ts";

export const crossEntropyReference = {
  cross_entropy(
    loss: Floats,
    logits: Floats,
    dlogits: Floats | null,
    targets: Int32Array,
    weights: Floats,
    rows: number,
    vocabulary: number,
    scale: number,
    softcap: number,
  ): void {
    for (let row = 0; row < rows; row++) {
      const z = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
      const target = targets[row]!;
      capLogits(z, softcap);
      const total = logSumExp(z);
      loss[row] = weights[row]! * (total - z[target]!);
      if (dlogits === null) continue;
      const dz = dlogits.subarray(row * vocabulary, (row + 1) * vocabulary);
      for (let i = 0; i < vocabulary; i++) {
        const slope = softcap ? 1 - (z[i]! / softcap) ** 2 : 1;
        dz[i] = scale * weights[row]! * (Math.exp(z[i]! - total) - (i === target ? 1 : 0)) * slope;
      }
    }
  },
};

/** z becomes softcap · tanh(z / softcap), in place; 0 means no cap. */
export function capLogits(z: Floats, softcap: number): void {
  if (softcap) for (let i = 0; i < z.length; i++) z[i] = softcap * Math.tanh(z[i]! / softcap);
}

export function logSumExp(z: Floats): number {
  let largest = -Infinity;
  for (const value of z) largest = Math.max(largest, value);
  let sum = 0;
  for (const value of z) sum += Math.exp(value - largest);
  return largest + Math.log(sum);
}
