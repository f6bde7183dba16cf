/** The environment variables that Fettle knows; nothing below `app` reads any. */
import type { DeviceEnvironment } from "../engine/open-device.ts";

/**
 * `FETTLE_CACHE`: folder of compiled kernels. `CC`: the C compiler. `FETTLE_CUDA_LIBRARIES`: folder of libcuda, libnvrtc
 * and libcublasLt. `CUDA_HOME`, `CUDA_PATH`, `VIRTUAL_ENV`, `CONDA_PREFIX`: where they may be besides. An empty variable
 * counts as none.
 */
export function deviceEnvironment(): DeviceEnvironment {
  const { env } = process;
  return {
    cacheFolder: env.FETTLE_CACHE || undefined,
    compiler: env.CC || undefined,
    cudaLibraries: env.FETTLE_CUDA_LIBRARIES || undefined,
    cudaRoots: [env.CUDA_HOME, env.CUDA_PATH, env.VIRTUAL_ENV, env.CONDA_PREFIX].flatMap((root) =>
      root ? [root] : [],
    ),
  };
}

/** Whether text for this stream may have colours: only on a terminal, and not against `NO_COLOR` (no-color.org). */
export function wantsColors(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}
