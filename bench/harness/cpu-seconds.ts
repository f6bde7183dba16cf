import { readFileSync } from "node:fs";

/** Of a clock tick in /proc; Linux has had 100 a second for programs on every machine since 2.6. */
const TICK = 0.01;

/**
 * CPU time of this process with its threads, and of those that it started and that have ended; undefined where there is
 * no /proc. Beside wall time it says what work costs on a machine that others use too.
 */
export function cpuSeconds(): number | undefined {
  let stat: string;
  try {
    stat = readFileSync("/proc/self/stat", "utf8");
  } catch {
    return undefined;
  }
  // After the program's name in brackets, which may hold spaces: utime, stime, cutime and cstime are fields 14 to 17 (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK;
}
