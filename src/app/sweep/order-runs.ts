import type { Combination } from "../../base/sweep/sweep.ts";
import { dataKey } from "../../tune/train/encode-data.ts";

/** Runs that share a base, and of these that share data, one after the other; otherwise in their order. */
export function orderRuns(combinations: readonly Combination[]): Combination[] {
  const groups = new Map<string, Map<string, Combination[]>>();
  for (const combination of combinations) {
    const { recipe } = combination.loaded;
    const { base, device, precision, task_type, method, quantization } = recipe;
    const baseKey = JSON.stringify([base, device, precision, task_type, method === "full", quantization ?? null]);
    const key = JSON.stringify(dataKey(recipe, base));
    const byData = groups.get(baseKey) ?? new Map<string, Combination[]>();
    byData.set(key, [...(byData.get(key) ?? []), combination]);
    groups.set(baseKey, byData);
  }
  return [...groups.values()].flatMap((byData) => [...byData.values()].flat());
}
