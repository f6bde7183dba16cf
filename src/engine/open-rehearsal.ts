/** Devices to rehearse on: like the one at hand, or like a card that is not there. */
import { sizeClass } from "./device/cpu/allocator.ts";
import { type Card, propertiesOf, speedsOf } from "./device/cuda/cards.ts";
import type { CudaKernels, CudaProperties } from "./device/cuda/launcher.ts";
import type { Device, Precision } from "./device/device.ts";
import { RehearsalDevice, type RehearsalOptions, type Speeds } from "./device/rehearsal-device.ts";
import { cudaKernelsByOp } from "./ops/cuda-kernels.ts";

/** What a rehearsal stands in for. */
export interface RehearsalTarget extends Omit<RehearsalOptions, "kernels"> {
  /** For people: `NVIDIA H100 80GB HBM3`, `this machine`. */
  readonly title: string;
  /** Bytes that a run may take. */
  readonly budget: number;
  /** Bytes of them that the device takes for itself. */
  readonly workspace: number;
}

/** Large products come to this share of a card's peak over a whole step. */
const SHARE_OF_PEAK = 0.6;
const SHARE_OF_BANDWIDTH = 0.8;
/** Fewer rows leave multiprocessors waiting. */
const HALF_SPEED_AT = 384;
/** Of driver and JavaScript together. */
const LAUNCH_SECONDS = 5e-6;
/** What the context of a card takes, and what is left to the driver besides. */
const CONTEXT_BYTES = 0.5 * 2 ** 30;
const RESERVED_SHARE = 0.02;
const CUDA_ALIGNMENT = 512;
/** For cuBLASLt. */
const CUDA_WORKSPACE = 32 * 2 ** 20;

export function openRehearsal(target: RehearsalTarget): RehearsalDevice {
  const kernels: CudaKernels = Object.assign({}, ...Object.values(cudaKernelsByOp));
  return new RehearsalDevice({ ...target, kernels });
}

/** @param budget in bytes; default: the card's memory less the driver's, in whole GiB */
export function rehearsalOfCard(card: Card, precision: Precision, budget?: number): RehearsalTarget {
  const properties = propertiesOf(card);
  const usable = properties.totalMemory * (1 - RESERVED_SHARE) - CONTEXT_BYTES;
  return rehearsalOfProperties(properties, precision, budget ?? wholeGiB(usable));
}

/** @param budget in bytes, of a cuda device that is open */
export function rehearsalOfProperties(
  properties: CudaProperties,
  precision: Precision,
  budget: number,
): RehearsalTarget {
  const { bandwidth, peak } = speedsOf(properties);
  return {
    title: properties.name,
    name: "cuda",
    precision,
    activations: precision,
    batchesProducts: false,
    blockBytes: (bytes) => Math.max(1, Math.ceil(bytes / CUDA_ALIGNMENT)) * CUDA_ALIGNMENT,
    properties,
    budget,
    workspace: CUDA_WORKSPACE,
    speeds: {
      // TF32 is not used: products of f32 run on the card's plain cores.
      products: precision === "bf16" ? peak * SHARE_OF_PEAK : peak / 16,
      bandwidth: bandwidth * SHARE_OF_BANDWIDTH,
      launch: LAUNCH_SECONDS,
      halfSpeedAt: HALF_SPEED_AT,
    },
  };
}

/** A rehearsal of the CPU or of the reference device. */
export function rehearsalOfHost(
  device: Pick<Device, "name" | "precision" | "activations" | "batchesProducts">,
  budget: number,
  speeds: Speeds,
): RehearsalTarget {
  const { name, precision, activations, batchesProducts } = device;
  const properties = { name, architecture: 0, multiprocessors: 1, sharedPerBlock: 0, totalMemory: budget };
  const blockBytes = name === "cpu" ? sizeClass : (bytes: number): number => bytes;
  return {
    title: "this machine",
    ...{ name, precision, activations, batchesProducts, blockBytes, properties, budget, speeds, workspace: 0 },
  };
}

/** Free memory differs by the day; whole GiB of it do so less. */
export function wholeGiB(bytes: number): number {
  return Math.floor(bytes / 2 ** 30) * 2 ** 30;
}
