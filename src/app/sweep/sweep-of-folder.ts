import { existsSync } from "node:fs";
import { join } from "node:path";
import { type LoadSweepOptions, loadSweep } from "../../base/sweep/load-sweep.ts";
import { parseJsonObject, readTextFile } from "../../model/files/json-file.ts";
import type { SweepResult } from "./sweep-result.ts";

const MAX_BYTES = 2 ** 28;

/**
 * What other processes wrote of a sweep; undefined where they wrote nothing.
 * @param path a sweep file, or a recipe with `grid`
 */
export function sweepOfFolder(path: string, options: LoadSweepOptions): SweepResult | undefined {
  const file = join(loadSweep(path, options).output, "sweep.json");
  if (!existsSync(file)) return undefined;
  return parseJsonObject(readTextFile(file, MAX_BYTES), file) as unknown as SweepResult;
}
