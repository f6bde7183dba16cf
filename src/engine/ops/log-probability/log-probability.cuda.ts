import { type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";

const logProbability = cudaFunction("cross-entropy/logits.cu", "log_probability", "pp ii pp if");

export const logProbabilityCuda = {
  log_probability(
    cuda: CudaLauncher,
    out: BufferView,
    logits: BufferView,
    begin: number,
    rows: number,
    vocabulary: number,
    row: BufferView,
    token: BufferView,
    entries: number,
    softcap: number,
  ): void {
    const launch = { types: { D: "f32" }, grid: [rows], block: 512 } as const;
    cuda.run(logProbability, launch, [out, logits, begin, vocabulary, row, token, entries, softcap]);
  },
};
