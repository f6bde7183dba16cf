/** A thread of `EncoderPool`. */
import { workerData } from "node:worker_threads";
import { type EncoderMemory, encoderStates as states } from "./encoder-pool.ts";
import { encodeQ4K } from "./q4-k.ts";

const { control, values, bytes } = workerData as EncoderMemory;
for (;;) {
  Atomics.wait(control, 0, states.idle);
  const state = Atomics.load(control, 0);
  if (state === states.stop) break;
  if (state === states.working) bytes.set(encodeQ4K(values.subarray(0, Atomics.load(control, 1))));
  // Not where it was told to stop meanwhile.
  Atomics.compareExchange(control, 0, states.working, states.done);
  Atomics.notify(control, 0);
  Atomics.wait(control, 0, states.done);
}
