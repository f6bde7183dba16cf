/** A race as lines for people: examples/s, ratio, memory, and the targets beside them. */
import type { Measured, RaceResult } from "./race.ts";
import type { Spread } from "./statistics.ts";

/** What the ratios must reach. */
export interface Targets {
  /** Fettle's examples/s over the peer's, at least. */
  readonly speedup: number;
}

/** Fettle may hold as much memory as its peer, not more. */
const MEMORY_TARGET = 1;

/** Whether every target is met; true where there was no peer. */
export function meetsTargets({ speedup, memoryRatio }: RaceResult, targets: Targets): boolean {
  return (speedup?.median ?? targets.speedup) >= targets.speedup && (memoryRatio ?? 0) <= MEMORY_TARGET;
}

export function raceLines(title: string, result: RaceResult, targets: Targets): string[] {
  const { fettle, peer, otherPeers, speedup, memoryRatio } = result;
  const lines = [title, ...[fettle, ...(peer ? [peer] : []), ...otherPeers].map(measuredLine)];
  if (speedup !== undefined && memoryRatio !== undefined) {
    lines.push(
      `  speed   ${spread(speedup, 2)} times, target >= ${targets.speedup}: ${verdict(speedup.median >= targets.speedup)}`,
      `  memory  ${memoryRatio.toFixed(2)} of the peer's, target <= ${MEMORY_TARGET}: ${verdict(memoryRatio <= MEMORY_TARGET)}`,
    );
  }
  return lines;
}

function measuredLine({ name, description, examplesPerSecond, peakBytes, idleBytes }: Measured): string {
  const memory = `${mebibytes(peakBytes)} MiB at most, ${mebibytes(idleBytes)} of them before the model`;
  return `  ${name.padEnd(28)} ${spread(examplesPerSecond, 1)} examples/s, ${memory}; ${description}`;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function spread({ median, least, greatest }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${least.toFixed(digits)} to ${greatest.toFixed(digits)})`;
}

function verdict(met: boolean): string {
  return met ? "met" : "MISSED";
}
