/** What a machine offers for computing on an NVIDIA GPU, or what stands in the way. */
import { Driver, DriverError, deviceAttribute, driverStatus } from "./driver.ts";
import type { CudaProperties } from "./launcher.ts";
import {
  type CudaLibraryOptions,
  type FoundLibrary,
  libraryFolders,
  loadDriverLibrary,
  loadLibrary,
  type MissingLibrary,
  type VersionOf,
} from "./libraries.ts";
import { ncclVersion } from "./nccl.ts";
import { nvrtcVersion } from "./nvrtc.ts";

/** Why there is no device `cuda` here, for people. */
export interface Obstacle {
  readonly reason: string;
  readonly fix: string;
  /** Nothing of NVIDIA's is here: no one would expect the device. */
  readonly absent: boolean;
}

export interface CudaDriver {
  readonly api: Driver;
  readonly path: string;
  /** CUDA version it knows: `13.0`. */
  readonly version: string;
}

export interface CudaCard {
  /** CUdevice. */
  readonly handle: number;
  readonly properties: CudaProperties;
}

/** Everything that is there; what is missing comes after the obstacle. */
export interface CudaMachine {
  readonly driver?: CudaDriver;
  /** The one that was asked for, of those that are new enough. */
  readonly card?: CudaCard;
  readonly nvrtc?: FoundLibrary;
  readonly cublasLt?: FoundLibrary;
  readonly obstacle?: Obstacle;
}

/** A machine on which nothing stands in the way. */
export type UsableMachine = Required<Omit<CudaMachine, "obstacle">> & { readonly obstacle?: undefined };

/** bf16 tensor cores and asynchronous copies begin here. */
const LEAST_ARCHITECTURE = 80;
const LEAST_DRIVER = 12;

const libraryAdvice =
  "install them with `pip install nvidia-cuda-nvrtc nvidia-cublas` or a CUDA toolkit, " +
  "or let FETTLE_CUDA_LIBRARIES name the folder that holds them";

/** NCCL's own. */
const NCCL_MAJOR = 2;

/** What several cards need besides. */
export function findNccl(options: CudaLibraryOptions): FoundLibrary | MissingLibrary {
  return loadLibrary("libnccl", libraryFolders(options), options.folder, NCCL_MAJOR, ncclVersion, NCCL_MAJOR);
}

/**
 * Looks at driver, cards and libraries; takes a few milliseconds, and no memory of a card.
 * @param index which of the cards that are new enough; where a launcher shows each process one card alone, that one
 */
export function lookForCuda(
  options: CudaLibraryOptions,
  index = 0,
): UsableMachine | (CudaMachine & { readonly obstacle: Obstacle }) {
  const folders = libraryFolders(options);
  const library = loadDriverLibrary(folders, options.folder);
  if (library.handle === undefined) {
    const reason = `there is no NVIDIA driver (${library.reason})`;
    return { obstacle: { reason, fix: "on a machine with an NVIDIA GPU, install its driver", absent: true } };
  }
  const api = new Driver(library.handle);
  try {
    api.initialize();
  } catch (error) {
    return { obstacle: initialObstacle(error, library.path) };
  }
  const [major, minor] = [Math.floor(api.version() / 1000), Math.floor((api.version() % 1000) / 10)];
  const driver = { api, path: library.path, version: `${major}.${minor}` };
  if (major < LEAST_DRIVER) {
    const reason = `the NVIDIA driver knows CUDA ${driver.version}, and ${LEAST_DRIVER}.0 or later is needed`;
    return { driver, obstacle: { reason, fix: "install a newer driver (525 or later)", absent: false } };
  }
  const cards = Array.from({ length: api.deviceCount() }, (_, index) => cardOf(api, index));
  const usable = cards.filter(({ properties }) => properties.architecture >= LEAST_ARCHITECTURE);
  if (usable.length === 0) return { driver, obstacle: oldCards(cards) };
  const card = usable[usable.length === 1 ? 0 : index];
  if (card === undefined) return { driver, obstacle: tooFewCards(usable.length, index) };

  const find = (name: "libnvrtc" | "libcublasLt", versionOf: VersionOf) =>
    loadLibrary(name, folders, options.folder, major, versionOf);
  const nvrtc = find("libnvrtc", nvrtcVersion);
  const cublasLt = find("libcublasLt", (handle) => {
    const version = Number(handle.func("cublasLtGetVersion", "size_t", [])());
    return `${Math.floor(version / 10_000)}.${Math.floor((version % 10_000) / 100)}`;
  });
  const missing = [nvrtc, cublasLt].flatMap((found) => (found.handle === undefined ? [found.reason] : []));
  const there = {
    driver,
    card,
    ...(nvrtc.handle !== undefined && { nvrtc }),
    ...(cublasLt.handle !== undefined && { cublasLt }),
  };
  if (there.nvrtc !== undefined && there.cublasLt !== undefined) return there as UsableMachine;
  const reason = `libraries of CUDA are missing: ${missing.join("; ")}`;
  return { ...there, obstacle: { reason, fix: libraryAdvice, absent: false } };
}

function initialObstacle(error: unknown, path: string): Obstacle {
  if (!(error instanceof DriverError)) throw error;
  if (error.status === driverStatus.noDevice) {
    const fix =
      "in a container, start it with the GPU (`docker run --gpus all`); unset CUDA_VISIBLE_DEVICES if it is empty";
    return { reason: "the NVIDIA driver finds no GPU", fix, absent: true };
  }
  const fix = "see that `nvidia-smi` works: after an update of the driver the machine must be started anew";
  return { reason: `the NVIDIA driver (${path}) does not start: ${error.message}`, fix, absent: false };
}

function oldCards(cards: readonly CudaCard[]): Obstacle {
  const names = cards.map(({ properties: { name, architecture } }) => `${name} (${capability(architecture)})`);
  return {
    reason:
      names.length === 0
        ? "the NVIDIA driver finds no GPU"
        : `GPUs from compute capability ${capability(LEAST_ARCHITECTURE)} (Ampere) on can be used, here is ${names.join(", ")}`,
    fix: "take device: cpu",
    absent: names.length === 0,
  };
}

function tooFewCards(count: number, index: number): Obstacle {
  return {
    reason: `${count} GPUs can be used here, and this process would take another, number ${index + 1}`,
    fix: "start as many processes on a machine as it has GPUs",
    absent: false,
  };
}

/** 8.9 of 89, 12.1 of 121. */
function capability(architecture: number): string {
  return `${Math.floor(architecture / 10)}.${architecture % 10}`;
}

function cardOf(driver: Driver, index: number): CudaCard {
  const handle = driver.device(index);
  const attribute = (which: keyof typeof deviceAttribute): number => driver.attribute(deviceAttribute[which], handle);
  return {
    handle,
    properties: {
      name: driver.deviceName(handle),
      architecture: attribute("major") * 10 + attribute("minor"),
      multiprocessors: attribute("multiprocessors"),
      sharedPerBlock: attribute("sharedPerBlock"),
      totalMemory: driver.deviceMemory(handle),
    },
  };
}
