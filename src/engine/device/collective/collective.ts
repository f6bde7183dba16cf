/** Sums and copies of arrays over all processes, each on its own device. */
import type { BufferView } from "../device.ts";
import type { ProcessGroup } from "./process-group.ts";

/**
 * All processes call the same in the same order. What is called may still run when the call returns: what is launched on
 * the device afterwards comes after it, and `wait` waits for it. On every process the result has the same bits.
 */
export interface Collective {
  /** What carries the data, for people. */
  readonly name: string;
  readonly group: ProcessGroup;
  /** Each view becomes the sum over all processes, in place. f32; on cuda also bf16. */
  allReduce(views: readonly BufferView[]): void;
  /** The same, only on the process that owns a view; on the others its contents are undefined. */
  reduce(views: readonly OwnedView[]): void;
  /** Each view becomes what it is on the process that owns it. */
  broadcast(views: readonly OwnedView[]): void;
  /** @throws UserError when another process failed or is gone */
  wait(): void;
  /** Once all processes are done. */
  close(): void;
  /** In place of `close`, where this process or another has failed. */
  abort(): void;
}

export interface OwnedView {
  readonly view: BufferView;
  /** Rank. */
  readonly owner: number;
}

/** Of a process alone: what it has is the sum already. */
export function noCollective(group: ProcessGroup): Collective {
  const nothing = (): void => {};
  return {
    name: "one process",
    group,
    allReduce: nothing,
    reduce: nothing,
    broadcast: nothing,
    wait: nothing,
    close: nothing,
    abort: nothing,
  };
}
