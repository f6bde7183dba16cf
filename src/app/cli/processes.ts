/** A command that several processes run together: one of them speaks, and none is left waiting. */

import { Link, ProcessesError } from "../../engine/device/collective/link.ts";
import { alone, type ProcessGroup } from "../../engine/device/collective/process-group.ts";
import { processPlace } from "../process-place.ts";
import type { Terminal } from "./terminal.ts";

/** After so long it is said what is waited for. */
const PATIENCE_MS = 10_000;

/**
 * Runs `work` with the processes that a launcher started, or alone. What fails in one of them ends all, and is told once.
 * @param signal ends the waiting for the others
 */
export async function amongProcesses<T>(
  terminal: Terminal,
  signal: AbortSignal,
  work: (group: ProcessGroup) => Promise<T>,
): Promise<T> {
  const place = processPlace();
  if (place === undefined) return work(alone);
  terminal.muted = place.rank !== 0;
  let link: Link | undefined;
  try {
    const { rank, size, address, port } = place;
    const patience = setTimeout(() => {
      terminal.log(`rank ${rank} is waiting for the other ${size - 1} processes, at ${address}:${port}`);
    }, PATIENCE_MS);
    link = await Link.open(place, signal).finally(() => clearTimeout(patience));
    const result = await work(link);
    link.close();
    return result;
  } catch (error) {
    const told = error instanceof ProcessesError ? error.silent : link?.fail(error);
    if (error instanceof ProcessesError) link?.close();
    terminal.muted = told === true;
    throw error;
  }
}
