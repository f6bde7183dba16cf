import type { Floats } from "../../device/reference/reference-device.ts";
import { focalTerm, logSumExp } from "../cross-entropy/cross-entropy.reference.ts";

export const classLossReference = {
  class_loss_softmax(
    loss: Floats,
    dlogits: Floats | null,
    logits: Floats,
    targets: Int32Array,
    weights: Floats,
    classWeights: Floats,
    rows: number,
    labels: number,
    scale: number,
    gamma: number,
    smoothing: number,
  ): void {
    const each = smoothing / labels;
    let sumOfWeights = 0;
    for (const weight of classWeights) sumOfWeights += weight;
    for (let row = 0; row < rows; row++) {
      const z = logits.subarray(row * labels, (row + 1) * labels);
      const target = targets[row]!;
      const total = logSumExp(z);
      const focal = focalTerm(total - z[target]!, gamma);
      const share = (1 - smoothing) * classWeights[target]!;
      let smoothed = 0;
      for (let c = 0; c < labels; c++) smoothed += classWeights[c]! * (total - z[c]!);
      loss[row] = weights[row]! * (share * focal.loss + each * smoothed);
      if (dlogits === null) continue;
      const factor = scale * weights[row]!;
      for (let c = 0; c < labels; c++) {
        const probability = Math.exp(z[c]! - total);
        const towards = (share * focal.slope + each * sumOfWeights) * probability;
        const away = (c === target ? share * focal.slope : 0) + each * classWeights[c]!;
        dlogits[row * labels + c] = factor * (towards - away);
      }
    }
  },

  class_loss_sigmoid(
    loss: Floats,
    dlogits: Floats | null,
    logits: Floats,
    targets: Floats,
    weights: Floats,
    positive: Floats,
    negative: Floats,
    rows: number,
    labels: number,
    scale: number,
    gamma: number,
  ): void {
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let c = 0; c < labels; c++) {
        const at = row * labels + c;
        const z = logits[at]!;
        const yes = focalSigmoid(z, gamma);
        const no = focalSigmoid(-z, gamma);
        const [a, b] = [positive[c]! * targets[at]!, negative[c]! * (1 - targets[at]!)];
        sum += a * yes.loss + b * no.loss;
        if (dlogits) dlogits[at] = ((scale * weights[row]!) / labels) * (a * yes.slope - b * no.slope);
      }
      loss[row] = (weights[row]! / labels) * sum;
    }
  },
};

/** (1 - p)^γ · -log p with p = σ(z), and its derivative by z. */
function focalSigmoid(z: number, gamma: number): { loss: number; slope: number } {
  const nats = Math.max(-z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
  const p = Math.exp(-nats);
  const focus = Math.exp(-gamma * (nats + z));
  return { loss: focus * nats, slope: -focus * (gamma * p * nats + (1 - p)) };
}
