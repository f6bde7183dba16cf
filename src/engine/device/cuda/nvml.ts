/** How busy NVIDIA cards are, by NVML, the library behind nvidia-smi (NVML API reference, "Device Queries"). */
import koffi, { type LibraryHandle } from "koffi";

/** Of one card, now; a figure that the card does not tell is 0. */
export interface GpuReading {
  /** Share of the last moment in which a kernel ran, 0 to 1. */
  readonly utilization: number;
  /** Held by all processes. */
  readonly memoryBytes: number;
  readonly celsius: number;
  readonly watts: number;
}

const NAMES = ["libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1", "/usr/local/nvidia/lib64/libnvidia-ml.so.1"];
const TEMPERATURE_GPU = 0;

type Call = (...values: unknown[]) => number;

/** Reads all cards that the driver shows to this process. */
export class GpuMonitor {
  readonly #calls: Readonly<Record<"utilization" | "memory" | "temperature" | "power", Call>>;
  readonly #cards: readonly number[];

  private constructor(library: LibraryHandle, cards: readonly number[]) {
    const call = (name: string, parameters: readonly string[]): Call => library.func(name, "int", [...parameters]);
    this.#cards = cards;
    this.#calls = {
      utilization: call("nvmlDeviceGetUtilizationRates", ["uintptr_t", "void *"]),
      memory: call("nvmlDeviceGetMemoryInfo", ["uintptr_t", "void *"]),
      temperature: call("nvmlDeviceGetTemperature", ["uintptr_t", "int", "void *"]),
      power: call("nvmlDeviceGetPowerUsage", ["uintptr_t", "void *"]),
    };
  }

  /** Undefined where there is no NVML, or it shows no card. */
  static open(): GpuMonitor | undefined {
    for (const name of NAMES) {
      try {
        const library = koffi.load(name);
        const cards = cardsOf(library);
        return cards.length === 0 ? undefined : new GpuMonitor(library, cards);
      } catch {
        // The next place.
      }
    }
    return undefined;
  }

  read(): GpuReading[] {
    return this.#cards.map((card) => {
      const rates = new Uint32Array(2); // gpu, memory: percent
      const memory = new BigUint64Array(3); // total, free, used
      const [celsius, milliwatts] = [new Uint32Array(1), new Uint32Array(1)];
      this.#calls.utilization(card, rates);
      this.#calls.memory(card, memory);
      this.#calls.temperature(card, TEMPERATURE_GPU, celsius);
      this.#calls.power(card, milliwatts);
      return {
        utilization: rates[0]! / 100,
        memoryBytes: Number(memory[2]!),
        celsius: celsius[0]!,
        watts: milliwatts[0]! / 1000,
      };
    });
  }
}

/** nvmlDevice_t of each card. */
function cardsOf(library: LibraryHandle): number[] {
  const call = (name: string, parameters: readonly string[]): Call => library.func(name, "int", [...parameters]);
  if (call("nvmlInit_v2", [])() !== 0) return [];
  const count = new Uint32Array(1);
  call("nvmlDeviceGetCount_v2", ["void *"])(count);
  const handleOf = call("nvmlDeviceGetHandleByIndex_v2", ["uint", "void *"]);
  const handles = Array.from({ length: count[0]! }, (_, index) => {
    const handle = new BigUint64Array(1);
    return handleOf(index, handle) === 0 ? Number(handle[0]!) : 0;
  });
  return handles.filter((handle) => handle !== 0);
}
