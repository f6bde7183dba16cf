/** The emulated card, without the CUDA device: compiles and runs a kernel. */
import assert from "node:assert/strict";
import { join } from "node:path";
import koffi from "koffi";
import { Driver } from "../../src/engine/device/cuda/driver.ts";
import { Nvrtc } from "../../src/engine/device/cuda/nvrtc.ts";

/** Bytes of reserved addresses; only the first 2 MiB have memory behind them. */
const REGION = 64 * 2 ** 20;

/** One card with `memory`, where a kernel finds its output, and its input 1 MiB further. */
export class Card {
  readonly driver: Driver;
  readonly memory: number;
  readonly #nvrtc: Nvrtc;

  /** @param folder that `buildEmulator` gives */
  constructor(folder: string) {
    this.driver = new Driver(koffi.load(join(folder, "libcuda.so.1")));
    this.driver.initialize();
    this.driver.retainContext(this.driver.device(0));
    this.memory = this.driver.reserveAddresses(REGION);
    assert.ok(this.driver.map(this.memory, 2 * 2 ** 20, 0));
    this.#nvrtc = new Nvrtc(koffi.load(join(folder, "libnvrtc.so.13")));
  }

  /** Runs `kernel(float *out, const float *in)` of the source, with `in` at its start, and returns `length` of `out`. */
  run(source: string, block: number, input: readonly number[], length: number, shared = 0): Float32Array {
    const outcome = this.#nvrtc.compile({ name: "test.cu", text: source, headers: {}, options: ["--std=c++17"] }, 90);
    assert.ok(outcome.ok, outcome.ok ? "" : outcome.log);
    const module = this.driver.loadModule(outcome.image);
    try {
      const from = this.memory + 2 ** 20;
      this.write(from, input);
      const values = BigUint64Array.of(BigInt(this.memory), BigInt(from));
      const address = koffi.address(values.buffer);
      const pointers = BigUint64Array.of(address, address + 8n);
      const kernel = this.driver.functionOf(module, "kernel");
      this.driver.launch(kernel, "kernel", 1, 1, 1, block, shared, 0, Number(koffi.address(pointers.buffer)));
      return this.read(this.memory, length);
    } finally {
      this.driver.unloadModule(module);
    }
  }

  /** f32 values into memory of the card. */
  write(to: number, values: readonly number[]): void {
    const bytes = Float32Array.from(values);
    this.driver.copyToDevice(to, Number(koffi.address(bytes.buffer)), bytes.byteLength, 0);
  }

  read(from: number, length: number): Float32Array {
    const values = new Float32Array(length);
    this.driver.copyToHost(Number(koffi.address(values.buffer)), from, values.byteLength, 0);
    return values;
  }
}
