/** Collectives over MPI. What is under way is looked at again and again, so that a lost process ends the waiting. */
import { UserError } from "../../../base/errors.ts";
import type { BufferView } from "../device.ts";
import type { Collective, OwnedView } from "./collective.ts";
import { type HostBytes, partsOf } from "./host-bytes.ts";
import { Mpi, type MpiRequest } from "./mpi.ts";
import type { ProcessGroup } from "./process-group.ts";
import { waitUntil } from "./wait-until.ts";

/** Counts of MPI have 31 bits. */
const PART_BYTES = 2 ** 30;
export class MpiCollective implements Collective {
  readonly name = "MPI";
  readonly group: ProcessGroup;
  readonly #mpi: Mpi;
  readonly #bytesOf: HostBytes;

  /** @throws UserError where there is no Open MPI, or it knows of other processes */
  constructor(group: ProcessGroup, bytesOf: HostBytes) {
    this.group = group;
    this.#bytesOf = bytesOf;
    this.#mpi = new Mpi();
    const { rank, size } = this.#mpi.place();
    if (rank === group.rank && size === group.size) return;
    throw new UserError({
      code: "processes/other-mpi",
      message: `the library of Open MPI counts this as process ${rank} of ${size}, its mpirun as ${group.rank} of ${group.size}`,
      fix: "start with the mpirun of the Open MPI whose library is found first",
    });
  }

  allReduce(views: readonly BufferView[]): void {
    for (const part of this.#parts(views)) this.#finish(this.#mpi.allReduce(part));
  }

  reduce(views: readonly OwnedView[]): void {
    const { rank } = this.group;
    for (const { view, owner } of views) {
      for (const part of this.#parts([view])) this.#finish(this.#mpi.reduce(part, owner, rank === owner));
    }
  }

  broadcast(views: readonly OwnedView[]): void {
    for (const { view, owner } of views) {
      for (const part of this.#parts([view])) this.#finish(this.#mpi.broadcast(part, owner));
    }
  }

  wait(): void {
    this.group.check();
  }

  close(): void {
    this.#mpi.finalize();
  }

  /** MPI would wait for all: mpirun ends what is left. */
  abort(): void {}

  #parts(views: readonly BufferView[]): Uint8Array[] {
    return views.flatMap((view) => [...partsOf(this.#bytesOf(view), PART_BYTES)]);
  }

  #finish(request: MpiRequest): void {
    waitUntil(
      () => this.#mpi.isOver(request),
      () => this.group.check(),
    );
  }
}
