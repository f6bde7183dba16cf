/** The CUDA device of the tests: a GPU, or, with FETTLE_EMULATOR=1 in the environment, the emulator. */
import { join } from "node:path";
import { deviceEnvironment } from "../../src/app/environment.ts";
import type { CudaDevice } from "../../src/engine/device/cuda/cuda-device.ts";
import { lookForCuda } from "../../src/engine/device/cuda/machine.ts";
import { type CudaOptions, openCudaDevice } from "../../src/engine/device/cuda/open-cuda-device.ts";
import { type DeviceEnvironment, type DeviceOptions, openCuda } from "../../src/engine/open-device.ts";
import { buildEmulator } from "../emulator/emulator.ts";

/** Where the device's libraries are, or why there is no device here. */
export type CudaSetting = { readonly environment: DeviceEnvironment } | { readonly reason: string };

/** Whether the tests run on the emulator, which is slow. */
export const onEmulator: boolean = process.env.FETTLE_EMULATOR === "1";

const setting: CudaSetting = onEmulator ? emulator() : { environment: deviceEnvironment() };

/** Why there is no CUDA device here; false where there is one: the `skip` of a test. */
export const cudaSkip: string | false = whyNot();

/**
 * Only where `cudaSkip` is false. The caller closes it.
 * @param own kernels of the test's own, in place of the ops'
 */
export function openCudaForTests(
  options: Pick<DeviceOptions, "precision" | "memoryBudget"> = {},
  own?: Pick<CudaOptions, "kernels" | "sourceFolder">,
): CudaDevice {
  if ("reason" in setting) throw new Error(setting.reason);
  const { cudaLibraries: folder, cudaRoots: roots, cacheFolder } = setting.environment;
  const { precision, memoryBudget } = options;
  const opened =
    own === undefined
      ? openCuda({ ...setting.environment, ...options })
      : openCudaDevice({
          ...own,
          libraries: { folder, roots },
          cacheFolder,
          precision: precision === "auto" ? undefined : precision,
          memoryBudget,
        });
  if (opened.device === undefined) throw new Error(opened.obstacle.reason);
  return opened.device;
}

/** For processes that a test starts. */
export function cudaVariables(): Record<string, string> {
  if ("reason" in setting) throw new Error(setting.reason);
  const { cudaLibraries, cacheFolder } = setting.environment;
  return {
    ...(cudaLibraries !== undefined && { FETTLE_CUDA_LIBRARIES: cudaLibraries }),
    ...(cacheFolder !== undefined && { FETTLE_CACHE: cacheFolder }),
  };
}

function whyNot(): string | false {
  if ("reason" in setting) return setting.reason;
  const { cudaLibraries, cudaRoots } = setting.environment;
  const { obstacle } = lookForCuda({ folder: cudaLibraries, roots: cudaRoots });
  return obstacle === undefined ? false : `${obstacle.reason}; FETTLE_EMULATOR=1 runs these on the emulator`;
}

/** Images of the emulator are no CUBINs: they are kept apart. */
function emulator(): CudaSetting {
  const built = buildEmulator();
  if ("reason" in built) return built;
  return { environment: { cudaLibraries: built.folder, cacheFolder: join(built.folder, "cache") } };
}
