/** The card that the parts run on. */
import { spawnSync } from "node:child_process";
import { deviceEnvironment } from "../../src/app/environment.ts";
import { UserError } from "../../src/base/errors.ts";
import type { CudaDevice } from "../../src/engine/device/cuda/cuda-device.ts";
import { openCuda } from "../../src/engine/open-device.ts";

const GIB = 2 ** 30;

/** @param card which of the machine's @throws UserError where there is no GPU to measure */
export function openCard(budgetGiB: number | null, card = 0): CudaDevice {
  const opened = openCuda({
    precision: "bf16",
    memoryBudget: budgetGiB === null ? undefined : budgetGiB * GIB,
    ...deviceEnvironment(),
    card,
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
