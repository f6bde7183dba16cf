/** The card that the parts run on, and what its driver and its data sheet say. */
import { spawnSync } from "node:child_process";
import { UserError } from "../../src/base/errors.ts";
import type { CudaDevice } from "../../src/engine/device/cuda/cuda-device.ts";
import { openCuda } from "../../src/engine/open-device.ts";

const GIB = 2 ** 30;

/** @throws UserError where there is no GPU to measure */
export function openCard(budgetGiB: number | null): CudaDevice {
  const opened = openCuda({
    precision: "bf16",
    memoryBudget: budgetGiB === null ? undefined : budgetGiB * GIB,
    cudaLibraries: process.env.FETTLE_CUDA_LIBRARIES,
  });
  if (opened.device !== undefined) return opened.device;
  const { reason, fix } = opened.obstacle;
  throw new UserError({ code: "bench/no-cuda", message: `there is no GPU to measure: ${reason}`, fix });
}

/** Bytes that the driver has given out on the first card; undefined without nvidia-smi. */
export function bytesInUse(): number | undefined {
  const { stdout, status } = spawnSync("nvidia-smi", ["--query-gpu=memory.used", "--format=csv,noheader,nounits"]);
  const mebibytes = Number.parseFloat(String(stdout));
  return status === 0 && Number.isFinite(mebibytes) ? mebibytes * 2 ** 20 : undefined;
}

/** Dense bf16 with f32 accumulation by the data sheets, in operations a second; the first name that fits counts. */
const peaks: readonly (readonly [name: RegExp, flops: number])[] = [
  [/H100 PCIe/, 756e12],
  [/H100 NVL/, 835e12],
  [/H100|H200|GH200/, 989e12],
  [/GB10/, 125e12],
  [/B200|GB200/, 2250e12],
  [/A100/, 312e12],
  [/L40S/, 362e12],
  [/L4\b/, 121e12],
  [/A10\b/, 125e12],
  [/RTX 4090/, 165e12],
  [/RTX 5090/, 209e12],
];

/** undefined for a card that is not in the table. */
export function peakFlops(card: string): number | undefined {
  return peaks.find(([name]) => name.test(card))?.[1];
}
