/** The GPU: driver, card, libraries, and whether the device `cuda` computes; or the one reason why there is none. */
import { UserError } from "../../base/errors.ts";
import { findNccl, lookForCuda } from "../../engine/device/cuda/machine.ts";
import { openDevice } from "../../engine/open-device.ts";
import { deviceEnvironment } from "../environment.ts";
import { formatBytes, formatDuration } from "../report/format.ts";
import type { Check } from "./check.ts";
import { checkProduct } from "./check-product.ts";

const DEVICE = "device cuda";

/** One check where there is no GPU; that is no fault of the machine. */
export async function checkCuda(): Promise<Check[]> {
  const { cudaLibraries, cudaRoots } = deviceEnvironment();
  const libraries = { folder: cudaLibraries, roots: cudaRoots };
  const { driver, card, nvrtc, cublasLt, obstacle } = lookForCuda(libraries);
  const there: Check[] = [];
  const ok = (name: string, found: string, details: Check["details"] = {}): void => {
    there.push({ name, status: "ok", found, details });
  };
  if (driver) ok("NVIDIA driver", `for CUDA ${driver.version}, ${driver.path}`, { version: driver.version });
  if (card) {
    const { name, totalMemory, architecture } = card.properties;
    const capability = `${Math.floor(architecture / 10)}.${architecture % 10}`;
    ok("GPU", `${name}, ${formatBytes(totalMemory)}, compute capability ${capability}`, {
      name,
      totalMemory,
      capability,
    });
  }
  if (nvrtc) ok("NVRTC", `${nvrtc.version}, ${nvrtc.path}`, { version: nvrtc.version, path: nvrtc.path });
  if (cublasLt)
    ok("cuBLASLt", `${cublasLt.version}, ${cublasLt.path}`, { version: cublasLt.version, path: cublasLt.path });
  if (obstacle === undefined) {
    const nccl = findNccl(libraries);
    if (nccl.handle) ok("NCCL", `${nccl.version}, ${nccl.path}`, { version: nccl.version, path: nccl.path });
    else ok("NCCL", `none, which several GPUs need: ${nccl.reason}`);
    return [...there, await checkDevice()];
  }
  const { reason, fix, absent } = obstacle;
  if (absent) return [...there, { name: DEVICE, status: "ok", found: `none on this machine: ${reason}` }];
  return [...there, { name: DEVICE, status: "warning", found: `cannot be had: ${reason}`, fix }];
}

async function checkDevice(): Promise<Check> {
  const start = performance.now();
  try {
    const { device } = await openDevice({ ...deviceEnvironment(), device: "cuda" });
    const { error, right } = checkProduct(device);
    const seconds = (performance.now() - start) / 1000;
    device.close();
    const found = `${device.description.replace(/^cuda: /, "")}; first product after ${formatDuration(seconds)}`;
    const details = { precision: device.precision, seconds, error };
    if (right) return { name: DEVICE, status: "ok", found, details };
    const fix = "use device: cpu, and report what `fettle doctor --json` prints";
    return { name: DEVICE, status: "problem", found: `${found}; a product is wrong by ${error}`, fix, details };
  } catch (error) {
    // A driver that fails says so in an error of its own.
    const message = error instanceof Error ? error.message : String(error);
    const fix = (error instanceof UserError ? error.fix : undefined) ?? "see that `nvidia-smi` works; use device: cpu";
    return { name: DEVICE, status: "problem", found: message, fix };
  }
}
