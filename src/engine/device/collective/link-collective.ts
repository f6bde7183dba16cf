/** Collectives by way of rank 0, over the connections that the processes have anyway. Sums are taken by rank. */
import type { BufferView } from "../device.ts";
import type { Collective, OwnedView } from "./collective.ts";
import { type HostBytes, partsOf } from "./host-bytes.ts";
import type { ProcessGroup } from "./process-group.ts";

/** What goes over a connection at a time. */
const PART_BYTES = 2 ** 24;

export class LinkCollective implements Collective {
  readonly name = "TCP";
  readonly group: ProcessGroup;
  readonly #bytesOf: HostBytes;

  constructor(group: ProcessGroup, bytesOf: HostBytes) {
    this.group = group;
    this.#bytesOf = bytesOf;
  }

  allReduce(views: readonly BufferView[]): void {
    this.#each(views, (part) => {
      this.#sumAtRoot(part);
      this.#spread(part);
    });
  }

  reduce(views: readonly OwnedView[]): void {
    for (const { view, owner } of views) {
      if (owner !== 0) this.allReduce([view]);
      else this.#each([view], (part) => this.#sumAtRoot(part));
    }
  }

  broadcast(views: readonly OwnedView[]): void {
    const { rank } = this.group;
    for (const { view, owner } of views) {
      this.#each([view], (part) => {
        if (owner !== 0) {
          const gathered = this.group.gatherBytes(rank === owner ? part : new Uint8Array(0));
          if (rank === 0) part.set(gathered![owner]!);
        }
        this.#spread(part);
      });
    }
  }

  wait(): void {
    this.group.check();
  }

  close(): void {}

  abort(): void {}

  #each(views: readonly BufferView[], body: (part: Uint8Array) => void): void {
    for (const view of views) for (const part of partsOf(this.#bytesOf(view), PART_BYTES)) body(part);
  }

  #sumAtRoot(part: Uint8Array): void {
    const [own, ...others] = this.group.gatherBytes(part) ?? [];
    if (own === undefined) return;
    const sum = floats(own);
    for (const other of others) {
      const values = floats(other);
      for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
    }
  }

  #spread(part: Uint8Array): void {
    const shared = this.group.shareBytes(part);
    if (shared !== part) part.set(shared);
  }
}

function floats({ buffer, byteOffset, byteLength }: Uint8Array): Float32Array {
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}
