/** Reading of several files, as a job for threads. */
import type { JobModule } from "../../../base/threads/job.ts";
import type { Location } from "../walk/walk-tree.ts";
import { readSource, type Source } from "./read-source.ts";

export interface ReadSetup {
  readonly maxBytes: number;
}

export const start: JobModule<ReadSetup, readonly Location[], Source[]>["start"] =
  ({ maxBytes }) =>
  (locations) =>
    // Between threads a Buffer becomes an array of bytes.
    locations.map((at) => readSource(typeof at === "string" ? at : Buffer.from(at), maxBytes));

export const handedOver = (): readonly never[] => [];
