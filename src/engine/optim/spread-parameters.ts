import type { Collective } from "../device/collective/collective.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { refreshWorking } from "../tensor/working-copy.ts";
import { joinedFlat, sideBySide } from "./side-by-side.ts";

/** Every parameter becomes what it is on rank 0. */
export function spreadParameters(parameters: ReadonlyMap<string, Tensor>, collective: Collective): void {
  if (collective.group.size === 1) return;
  const runs = sideBySide([...parameters.values()]).map(joinedFlat);
  collective.broadcast(runs.map((view) => ({ view, owner: 0 })));
  collective.wait();
  for (const parameter of parameters.values()) refreshWorking(parameter);
}
