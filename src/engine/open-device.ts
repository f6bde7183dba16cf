/** Opens devices with the kernels of all op folders: the one place where ops and devices meet. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { packageRoot } from "../base/package-root.ts";
import { openCpuDevice } from "./device/cpu/cpu-device.ts";
import type { Device, DeviceName, Precision } from "./device/device.ts";
import { ReferenceDevice, type ReferenceKernels, type ReferenceOptions } from "./device/reference/reference-device.ts";
import { referenceKernelsByOp } from "./ops/kernels.ts";

export interface DeviceOptions {
  /** `auto` (default): cpu where a C compiler is found, otherwise reference. */
  readonly device?: DeviceName | "auto";
  /** `auto` (default): bf16 where the CPU has instructions for it, otherwise f32. */
  readonly precision?: Precision | "auto";
  /** Default: all that this process may use. */
  readonly threads?: number | undefined;
  /** Where compiled kernels are kept; the user's cache folder by default. */
  readonly cacheFolder?: string | undefined;
  /** C compiler to use in place of the first of cc, gcc and clang that is found. */
  readonly compiler?: string | undefined;
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
  const opened = await openCpuDevice({ ...options, kernelSources: kernelSources() });
  if (opened.device !== undefined) {
    const reason = wanted === "cpu" ? "asked for" : "auto: a C compiler is there";
    return { device: opened.device, reason, notes: opened.notes };
  }
  if (wanted === "auto") return reference(precision, `auto: ${opened.reason}`);
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
