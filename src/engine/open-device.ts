/** Opens devices with the kernels of all op folders: the one place where ops and devices meet. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { packageRoot } from "../base/package-root.ts";
import { openCpuDevice } from "./device/cpu/cpu-device.ts";
import type { CudaKernels } from "./device/cuda/launcher.ts";
import { type OpenedCudaDevice, openCudaDevice } from "./device/cuda/open-cuda-device.ts";
import type { Device, DeviceName, Precision } from "./device/device.ts";
import { ReferenceDevice, type ReferenceKernels, type ReferenceOptions } from "./device/reference/reference-device.ts";
import { cudaKernelsByOp } from "./ops/cuda-kernels.ts";
import { referenceKernelsByOp } from "./ops/kernels.ts";

/** What the machine's owner decides about devices, for all runs. */
export interface DeviceEnvironment {
  /** Where compiled kernels are kept; the user's cache folder by default. */
  readonly cacheFolder?: string | undefined;
  /** C compiler to use in place of the first of cc, gcc and clang that is found. */
  readonly compiler?: string | undefined;
  /** Folder that is looked into first for the libraries of CUDA. */
  readonly cudaLibraries?: string | undefined;
  /** Roots of CUDA toolkits and Python environments, which may hold them. */
  readonly cudaRoots?: readonly string[] | undefined;
  /** Which of the machine's usable GPUs, from 0; default: the first. */
  readonly card?: number | undefined;
  /** CPU threads; default: all that this process may use. */
  readonly threads?: number | undefined;
}

export interface DeviceOptions extends DeviceEnvironment {
  /** `auto` (default): cuda where a GPU can be used, otherwise cpu where a C compiler is found, otherwise reference. */
  readonly device?: DeviceName | "auto";
  /** `auto` (default): bf16 on cuda and where the CPU has instructions for it, otherwise f32. */
  readonly precision?: Precision | "auto";
  /** Most bytes that cuda takes of the card; default: what is free, less a reserve. */
  readonly memoryBudget?: number | undefined;
}

export interface OpenedDevice {
  readonly device: Device;
  /** Why it is this device, for the run's list of choices. */
  readonly reason: string;
  /** What was not as it should be. */
  readonly notes: readonly string[];
}

/** @throws UserError when the device asked for cannot be had. */
export async function openDevice(options: DeviceOptions = {}): Promise<OpenedDevice> {
  const { device: wanted = "auto", precision = "auto" } = options;
  if (wanted === "reference") return reference(precision, "asked for");
  if (wanted === "cpu") return openCpu(options, "asked for");
  const cuda = openCuda(options);
  if (cuda.device !== undefined) {
    const reason = wanted === "cuda" ? "asked for" : "auto: a GPU can be used";
    return { device: cuda.device, reason, notes: [] };
  }
  const { reason, fix, absent } = cuda.obstacle;
  if (wanted === "cuda") {
    throw new UserError({ code: "device/no-cuda", message: `device cuda cannot be had: ${reason}`, fix });
  }
  const opened = await openCpu(options, `auto: ${reason}`);
  return absent ? opened : { ...opened, notes: [`device cuda cannot be had: ${reason}; ${fix}`, ...opened.notes] };
}

/** The GPU of this machine, or why none can be used. */
export function openCuda(options: Omit<DeviceOptions, "device">): OpenedCudaDevice {
  const { precision = "auto", cacheFolder, memoryBudget, cudaLibraries, cudaRoots, card } = options;
  const kernels: CudaKernels = Object.assign({}, ...Object.values(cudaKernelsByOp));
  return openCudaDevice({
    libraries: { folder: cudaLibraries, roots: cudaRoots },
    card,
    kernels,
    sourceFolder: join(packageRoot, "src/engine/ops"),
    precision: precision === "auto" ? undefined : precision,
    cacheFolder,
    memoryBudget,
  });
}

/** The CPU, or, where that was not asked for and there is no C compiler, the reference device. */
async function openCpu(options: DeviceOptions, why: string): Promise<OpenedDevice> {
  const { device: wanted = "auto", precision = "auto", memoryBudget } = options;
  const opened = await openCpuDevice({ ...options, kernelSources: kernelSources() });
  if (opened.device !== undefined) {
    const unused = memoryBudget === undefined ? [] : ["memory_budget is about cuda, and has no effect here"];
    return { device: opened.device, reason: why, notes: [...unused, ...opened.notes] };
  }
  if (wanted === "auto") return reference(precision, `${why}; ${opened.reason}`);
  throw new UserError({
    code: "device/no-compiler",
    message: `device cpu cannot be had: ${opened.reason}`,
    fix: "install a C compiler (cc, gcc or clang), or take device: auto, which runs slowly without one",
  });
}

/** The device whose kernels define all others'. */
export function openReferenceDevice(options: ReferenceOptions = {}): Device {
  const kernels: ReferenceKernels = Object.assign({}, ...Object.values(referenceKernelsByOp));
  return new ReferenceDevice(kernels, options);
}

function reference(precision: Precision | "auto", reason: string): OpenedDevice {
  if (precision === "bf16") {
    throw new UserError({
      code: "device/no-bf16",
      message: `the reference device computes in f32 only, precision bf16 was asked for (device: ${reason})`,
      fix: "take precision: auto or f32",
    });
  }
  return { device: openReferenceDevice(), reason, notes: [] };
}

function kernelSources(): string[] {
  return Object.keys(referenceKernelsByOp)
    .map((op) => join(packageRoot, "src/engine/ops", op, `${op}.c`))
    .filter((path) => existsSync(path));
}
