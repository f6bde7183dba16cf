/** How a process makes itself known to rank 0. */
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import type { ProcessPlace } from "./process-place.ts";

export interface Greeting {
  /** sha256 of the job's name. */
  readonly job: string;
  readonly version: string;
  readonly rank: number;
  readonly size: number;
  readonly host: string;
  readonly pid: number;
}

/** Rank 0 listens on the first of so many ports that is free. */
export const PORTS = 16;

export function greetingOf({ job, rank, size }: ProcessPlace, version: string): Greeting {
  const hash = createHash("sha256").update(job).digest("hex");
  return { job: hash, version, rank, size, host: hostname(), pid: process.pid };
}

/** Undefined for what is no greeting of this job. */
export function readGreeting(
  value: Readonly<Record<string, unknown>> | undefined,
  { job }: Greeting,
): Greeting | undefined {
  if (value?.job !== job) return undefined;
  const { version, rank, size, host, pid } = value;
  if (typeof version !== "string" || typeof host !== "string" || typeof pid !== "number") return undefined;
  return Number.isInteger(rank) && Number.isInteger(size) ? (value as unknown as Greeting) : undefined;
}

export function portsOf({ port }: ProcessPlace): number[] {
  return Array.from({ length: PORTS }, (_, i) => port + i).filter((candidate) => candidate < 2 ** 16);
}
