import { type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";

const topTokens = cudaFunction("top-tokens/top-tokens.cu", "top_tokens", "pppp ii p pip f");

export const topTokensCuda = {
  top_tokens(
    cuda: CudaLauncher,
    ids: BufferView,
    top: BufferView,
    statistics: BufferView,
    logits: BufferView,
    begin: number,
    part: number,
    vocabulary: number,
    inverseTemperature: BufferView,
    masks: BufferView | null,
    words: number,
    maskOf: BufferView | null,
    softcap: number,
  ): void {
    const row = [begin, vocabulary, inverseTemperature, masks, words, maskOf, softcap];
    cuda.run(topTokens, { grid: [part], block: 512 }, [ids, top, statistics, logits, ...row]);
  },
};
