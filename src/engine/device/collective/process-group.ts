/**
 * Processes that train together, as their host programs know each other: small values go from one to all, a process that
 * fails or is gone ends all. Arrays on devices are the business of a `Collective`.
 */
import type { ProcessPlace } from "./process-place.ts";

export interface ProcessGroup {
  readonly rank: number;
  readonly size: number;
  /** Undefined for a process alone. */
  readonly place: ProcessPlace | undefined;
  /**
   * The value that rank 0 gives, on all; a barrier for all but rank 0.
   * @param value anything that can be cloned; only that of rank 0 counts
   * @throws UserError when another process failed or is gone, as all of these do
   */
  share<T>(value: T): T;
  /** The values of all, by rank, on all: a barrier. */
  gather<T>(value: T): T[];
  /** Throws when another process failed or is gone, otherwise does nothing. */
  check(): void;
  /** The same of bytes, to rank 0 alone; undefined on the others. */
  gatherBytes(bytes: Uint8Array): Uint8Array[] | undefined;
  shareBytes(bytes: Uint8Array): Uint8Array;
}

/** A process alone: it has nobody to wait for. */
export const alone: ProcessGroup = {
  rank: 0,
  size: 1,
  place: undefined,
  share: (value) => value,
  gather: (value) => [value],
  check: () => {},
  gatherBytes: (bytes) => [bytes],
  shareBytes: (bytes) => bytes,
};
