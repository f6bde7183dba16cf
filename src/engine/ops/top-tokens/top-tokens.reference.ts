import type { Floats } from "../../device/reference/reference-device.ts";

const TOP = 64;

export const topTokensReference = {
  top_tokens(
    ids: Int32Array,
    top: Floats,
    statistics: Floats,
    logits: Floats,
    begin: number,
    part: number,
    vocabulary: number,
    inverseTemperature: Floats,
    masks: Int32Array | null,
    words: number,
    maskOf: Int32Array | null,
    softcap: number,
  ): void {
    for (let i = 0; i < part; i++) {
      const row = begin + i;
      const z = Array.from(logits.subarray(i * vocabulary, (i + 1) * vocabulary), (value) =>
        softcap > 0 ? softcap * Math.tanh(value / softcap) : value,
      );
      const mask = maskOf === null ? -1 : maskOf[row]!;
      const allowed = [...z.keys()].filter(
        (id) => mask < 0 || (masks![mask * words + Math.floor(id / 32)]! >>> (id % 32)) & 1,
      );
      allowed.sort((a, b) => z[b]! - z[a]! || a - b);
      for (let rank = 0; rank < TOP; rank++) {
        ids[row * TOP + rank] = allowed[rank] ?? -1;
        top[row * TOP + rank] = allowed[rank] === undefined ? -Infinity : z[allowed[rank]!]!;
      }
      const largest = Math.max(...z);
      const sum = z.reduce((total, value) => total + Math.exp(value - largest), 0);
      const best = z[allowed[0]!]!;
      const weights = allowed.map((id) => Math.exp((z[id]! - best) * inverseTemperature[row]!));
      statistics[2 * row] = largest + Math.log(sum);
      statistics[2 * row + 1] = weights.reduce((total, weight) => total + weight, 0);
    }
  },
};
