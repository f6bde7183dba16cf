import type { Floats } from "../../device/reference/reference-device.ts";
import { capLogits, logSumExp } from "../cross-entropy/cross-entropy.reference.ts";

export const logProbabilityReference = {
  log_probability(
    out: Floats,
    logits: Floats,
    begin: number,
    rows: number,
    vocabulary: number,
    row: Int32Array,
    token: Int32Array,
    entries: number,
    softcap: number,
  ): void {
    for (let i = 0; i < rows; i++) {
      const z = logits.subarray(i * vocabulary, (i + 1) * vocabulary);
      capLogits(z, softcap);
      const total = logSumExp(z);
      for (let entry = 0; entry < entries; entry++) {
        if (row[entry] === begin + i) out[entry] = z[token[entry]!]! - total;
      }
    }
  },
};
