import type { TransferListItem } from "node:worker_threads";

/** A computation that threads can share: the output depends on the input alone. */
export type Job<Input, Output> = (input: Input) => Output;

/** What a module exports to be run by threads. */
export interface JobModule<Setup, Input, Output> {
  /** Makes the job once for a thread. @param setup can be copied from thread to thread */
  start(setup: Setup): Job<Input, Output>;
  /** Memory of an output that is handed over instead of copied. */
  handedOver(output: Output): readonly TransferListItem[];
}
