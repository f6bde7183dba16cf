/** Threads that encode Q4_K, which takes a core about seven minutes for a billion values. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type GgmlType, ggmlBytes } from "../../files/gguf-types.ts";

/** What a thread and its master share. */
export interface EncoderMemory {
  /** State, and how many values there are. */
  readonly control: Int32Array;
  readonly values: Float32Array;
  readonly bytes: Uint8Array;
}

export const encoderStates: Readonly<Record<"idle" | "working" | "done" | "stop", number>> = {
  idle: 0,
  working: 1,
  done: 2,
  stop: 3,
};

/** Values that a thread encodes at a time: a tenth of a second. */
const PART_VALUES = 2 ** 18;
const MAX_THREADS = 32;
/** Far beyond what a part takes: the thread is gone. */
const PATIENCE_MS = 120_000;
const TYPE: GgmlType = "q4_k";

interface Encoder {
  readonly worker: Worker;
  readonly memory: EncoderMemory;
}

/** Works while the caller waits, so that writing stays one plain loop. */
export class EncoderPool implements Disposable {
  readonly #encoders: readonly Encoder[];

  constructor(threads: number = Math.min(availableParallelism(), MAX_THREADS)) {
    this.#encoders = Array.from({ length: threads }, startEncoder);
  }

  /** @param values a multiple of 256 @returns their bytes, in order */
  *encode(values: Float32Array): Generator<Uint8Array> {
    const free = [...this.#encoders];
    const busy: Encoder[] = [];
    for (let begin = 0; begin < values.length; begin += PART_VALUES) {
      if (free.length === 0) {
        yield collect(busy[0]!);
        free.push(busy.shift()!);
      }
      const encoder = free.shift()!;
      give(encoder.memory, values.subarray(begin, begin + PART_VALUES));
      busy.push(encoder);
    }
    for (const encoder of busy) yield collect(encoder);
  }

  [Symbol.dispose](): void {
    for (const { worker, memory } of this.#encoders) {
      setState(memory, encoderStates.stop);
      void worker.terminate();
    }
  }
}

function startEncoder(): Encoder {
  const memory: EncoderMemory = {
    control: new Int32Array(new SharedArrayBuffer(8)),
    values: new Float32Array(new SharedArrayBuffer(4 * PART_VALUES)),
    bytes: new Uint8Array(new SharedArrayBuffer(ggmlBytes(TYPE, PART_VALUES))),
  };
  return { worker: new Worker(new URL("./encoder-worker.js", import.meta.url), { workerData: memory }), memory };
}

function give(memory: EncoderMemory, part: Float32Array): void {
  memory.values.set(part);
  Atomics.store(memory.control, 1, part.length);
  setState(memory, encoderStates.working);
}

function collect({ memory }: Encoder): Uint8Array {
  const { control, bytes } = memory;
  if (Atomics.wait(control, 0, encoderStates.working, PATIENCE_MS) === "timed-out") {
    throw new Error("a thread that encodes Q4_K does not answer");
  }
  const part = bytes.slice(0, ggmlBytes(TYPE, Atomics.load(control, 1)));
  setState(memory, encoderStates.idle);
  return part;
}

function setState({ control }: EncoderMemory, state: number): void {
  Atomics.store(control, 0, state);
  Atomics.notify(control, 0);
}
