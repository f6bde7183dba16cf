/** NVRTC with ptxas's account of what each function takes. */
import type { Nvrtc, NvrtcOutcome, NvrtcSource } from "../../src/engine/device/cuda/nvrtc.ts";

/** Keeps what the compiler said last. */
export class VerboseCompiler {
  readonly version: string;
  log = "";
  readonly #nvrtc: Nvrtc;

  constructor(nvrtc: Nvrtc) {
    this.#nvrtc = nvrtc;
    this.version = nvrtc.version;
  }

  compile(source: NvrtcSource, architecture: number): NvrtcOutcome {
    const options = [...source.options, "--ptxas-options=-v"];
    const outcome = this.#nvrtc.compile({ ...source, options }, architecture);
    this.log = outcome.log;
    return outcome;
  }
}

/** What a compiled function takes of a multiprocessor, as ptxas tells it. */
export interface Resources {
  readonly registers: number;
  /** Bytes that do not fit into registers and go through memory. */
  readonly spills: number;
  /** Static shared memory, in bytes. */
  readonly shared: number;
}

/** @param log of a compilation with `--ptxas-options=-v` @returns by function */
export function readResources(log: string): Map<string, Resources> {
  const found = new Map<string, Resources>();
  let name: string | undefined;
  let spills = 0;
  for (const line of log.split("\n")) {
    const entry = /Compiling entry function '(\w+)'/.exec(line)?.[1];
    if (entry !== undefined) [name, spills] = [entry, 0];
    const stores = /(\d+) bytes spill stores, (\d+) bytes spill loads/.exec(line);
    if (stores) spills = Number(stores[1]) + Number(stores[2]);
    const registers = /Used (\d+) registers/.exec(line)?.[1];
    if (registers === undefined || name === undefined) continue;
    const shared = Number(/(\d+) bytes smem/.exec(line)?.[1] ?? 0);
    found.set(name, { registers: Number(registers), spills, shared });
  }
  return found;
}
