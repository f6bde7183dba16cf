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
    gamma: number,
    smoothing: number,
  ): void {
    for (let row = 0; row < rows; row++) {
      const z = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
      const target = targets[row]!;
      capLogits(z, softcap);
      const total = logSumExp(z);
      const focal = focalTerm(total - z[target]!, gamma);
      let smoothed = 0;
      for (const value of z) smoothed += (total - value) / vocabulary;
      loss[row] = weights[row]! * ((1 - smoothing) * focal.loss + smoothing * smoothed);
      if (dlogits === null) continue;
      const dz = dlogits.subarray(row * vocabulary, (row + 1) * vocabulary);
      for (let i = 0; i < vocabulary; i++) {
        const slope = softcap ? 1 - (z[i]! / softcap) ** 2 : 1;
        const probability = Math.exp(z[i]! - total);
        const towards = (1 - smoothing) * focal.slope * (probability - (i === target ? 1 : 0));
        dz[i] = scale * weights[row]! * (towards + smoothing * (probability - 1 / vocabulary)) * slope;
      }
    }
  },
};

/**
 * The focal loss (1 - p)^γ · nats of one answer, nats = -log p, and what (p - onehot) is multiplied by in its gradient by
 * the logits.
 */
export function focalTerm(nats: number, gamma: number): { loss: number; slope: number } {
  if (gamma === 0) return { loss: nats, slope: 1 };
  const p = Math.exp(-nats);
  const miss = Math.max(-Math.expm1(-nats), Number.MIN_VALUE);
  return { loss: miss ** gamma * nats, slope: miss ** gamma + gamma * p * miss ** (gamma - 1) * nats };
}

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
