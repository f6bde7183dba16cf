/** Collectives of cards, by NCCL, on the device's own stream: they come after what was launched before them. */
import type { Collective, OwnedView } from "../collective/collective.ts";
import type { ProcessGroup } from "../collective/process-group.ts";
import { waitUntil } from "../collective/wait-until.ts";
import type { BufferView } from "../device.ts";
import { addressOf } from "./cuda-launcher.ts";
import type { Nccl } from "./nccl.ts";

const MOMENT_MS = 1000;

export interface NcclOptions {
  readonly nccl: Nccl;
  readonly group: ProcessGroup;
  readonly stream: number;
  /** Whether all that was launched has finished. */
  readonly isIdle: () => boolean;
}

export class NcclCollective implements Collective {
  readonly name = "NCCL";
  readonly group: ProcessGroup;
  readonly #nccl: Nccl;
  readonly #stream: number;
  readonly #isIdle: () => boolean;
  /** 0 once it is over. */
  #communicator: number;

  /** All processes of the group make one at the same time; the card is current in this thread. */
  constructor({ nccl, group, stream, isIdle }: NcclOptions) {
    this.group = group;
    this.#nccl = nccl;
    this.#stream = stream;
    this.#isIdle = isIdle;
    const id = group.shareBytes(group.rank === 0 ? nccl.makeUniqueId() : new Uint8Array(0));
    this.#communicator = nccl.join(group.size, id, group.rank);
  }

  allReduce(views: readonly BufferView[]): void {
    this.#nccl.together(() => {
      for (const view of views) {
        this.#nccl.allReduce(addressOf(view), view.length, view.dtype, this.#communicator, this.#stream);
      }
    });
  }

  reduce(views: readonly OwnedView[]): void {
    this.#nccl.together(() => {
      for (const { view, owner } of views) {
        this.#nccl.reduce(addressOf(view), view.length, view.dtype, owner, this.#communicator, this.#stream);
      }
    });
  }

  broadcast(views: readonly OwnedView[]): void {
    this.#nccl.together(() => {
      for (const { view, owner } of views) {
        this.#nccl.broadcast(addressOf(view), view.length, view.dtype, owner, this.#communicator, this.#stream);
      }
    });
  }

  /** Looks rather than waits in the driver, which would never return where another process is gone. */
  wait(): void {
    waitUntil(this.#isIdle, () => {
      this.group.check();
      try {
        this.#nccl.checkAsync(this.#communicator);
      } catch (error) {
        // NCCL may see first that another process is gone; who it was is known a moment later.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, MOMENT_MS);
        this.group.check();
        throw error;
      }
    });
  }

  close(): void {
    const communicator = this.#communicator;
    this.#communicator = 0;
    this.#nccl.leave(communicator);
  }

  abort(): void {
    const communicator = this.#communicator;
    this.#communicator = 0;
    if (communicator !== 0) this.#nccl.abort(communicator);
  }
}
