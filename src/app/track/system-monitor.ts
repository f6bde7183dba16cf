/** How busy this process and the cards are, for whoever watches a run. */
import { availableParallelism } from "node:os";
import type { SystemUse } from "../../base/events.ts";
import { GpuMonitor } from "../../engine/device/cuda/nvml.ts";

export class SystemMonitor {
  /** Opened when it is first asked: a run that never logs a step asks no card. */
  #gpus: GpuMonitor | undefined;
  #opened = false;
  #since = performance.now();
  #cpu = process.cpuUsage();

  /** Processor time since the last call, and the rest as of now. */
  read(): Omit<SystemUse, "seconds" | "deviceBytes"> {
    if (!this.#opened) this.#gpus = GpuMonitor.open();
    this.#opened = true;
    const [now, { user, system }] = [performance.now(), process.cpuUsage(this.#cpu)];
    const share = (user + system) / 1000 / (now - this.#since) / availableParallelism();
    this.#since = now;
    this.#cpu = process.cpuUsage();
    return {
      cpu: Number(Math.min(1, share).toFixed(4)),
      memoryBytes: process.memoryUsage.rss(),
      gpus: this.#gpus?.read() ?? [],
    };
  }
}
