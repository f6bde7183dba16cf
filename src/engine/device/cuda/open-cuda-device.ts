/** Opens the CUDA device of this machine. */
import { homedir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../../base/package-root.ts";
import type { Precision } from "../device.ts";
import { CudaDevice } from "./cuda-device.ts";
import type { CudaKernels } from "./launcher.ts";
import type { CudaLibraryOptions } from "./libraries.ts";
import { findNccl, lookForCuda, type Obstacle } from "./machine.ts";
import { Nvrtc } from "./nvrtc.ts";

export interface CudaOptions {
  readonly libraries: CudaLibraryOptions;
  /** Which of the machine's usable cards; default: the first. */
  readonly card?: number | undefined;
  /** By name, of all ops. */
  readonly kernels: CudaKernels;
  /** Folder that the sources of kernels are named from. */
  readonly sourceFolder: string;
  /** Default bf16. */
  readonly precision?: Precision | undefined;
  /** Default `~/.cache/fettle`. */
  readonly cacheFolder?: string | undefined;
  /** Most bytes of the card to take; default: what is free, less a reserve. */
  readonly memoryBudget?: number | undefined;
}

/** Either a device, or why there is none on this machine. */
export type OpenedCudaDevice =
  | { readonly device: CudaDevice }
  | { readonly device: undefined; readonly obstacle: Obstacle };

export function openCudaDevice(options: CudaOptions): OpenedCudaDevice {
  const machine = lookForCuda(options.libraries, options.card);
  if (machine.obstacle !== undefined) return { device: undefined, obstacle: machine.obstacle };
  const { driver, card, nvrtc, cublasLt } = machine;
  const cacheFolder = options.cacheFolder ?? join(homedir(), ".cache", "fettle");
  const cardName = card.properties.name.replaceAll(/[^A-Za-z0-9]+/g, "-");
  const device = new CudaDevice({
    driver: driver.api,
    card: card.handle,
    properties: card.properties,
    nvrtc: new Nvrtc(nvrtc.handle),
    products: cublasLt.handle,
    precision: options.precision ?? "bf16",
    kernels: options.kernels,
    sourceFolder: options.sourceFolder,
    headerFolder: join(packageRoot, "src/engine/device/cuda"),
    cacheFolder,
    choicesFile: join(cacheFolder, `products-${cardName}-${driver.version}-${cublasLt.version}.json`),
    memoryBudget: options.memoryBudget,
    findNccl: () => findNccl(options.libraries),
  });
  return { device };
}
