/**
 * Which process keeps the optimizer's states of which parameter, and its gradient (Rajbhandari et al. 2020, arXiv
 * 1910.02054: ZeRO). Parameters are not cut, so that the owner's update has the bits that everyone's would have had.
 */
import type { Collective, OwnedView } from "../device/collective/collective.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { joinedFlat, sideBySide } from "./side-by-side.ts";

export interface Shards {
  readonly collective: Collective;
  /** Rank of the process that updates a parameter. */
  readonly ownerOf: (parameter: Tensor) => number;
  /** Whether it is this one. */
  readonly isOwn: (parameter: Tensor) => boolean;
}

/** The largest first, each to the process that has least; what lies side by side stays together. */
export function shardParameters(parameters: ReadonlyMap<string, Tensor>, collective: Collective): Shards {
  const { rank, size } = collective.group;
  const runs = sideBySide([...parameters.values()]).map((run) => ({ run, length: joinedFlat(run).length }));
  const loads = new Float64Array(size);
  const owners = new Map<Tensor, number>();
  for (const { run, length } of runs.toSorted((a, b) => b.length - a.length)) {
    const least = loads.indexOf(loads.reduce((a, b) => Math.min(a, b)));
    loads[least]! += length;
    for (const parameter of run) owners.set(parameter, least);
  }
  const ownerOf = (parameter: Tensor): number => owners.get(parameter)!;
  return { collective, ownerOf, isOwn: (parameter) => ownerOf(parameter) === rank };
}

/** Parameters, or by `of` what belongs to them, as a few long views with their owners. */
export function ownedRuns(
  parameters: Iterable<Tensor>,
  { ownerOf }: Shards,
  of: (parameter: Tensor) => Tensor = (parameter) => parameter,
): OwnedView[] {
  return sideBySide([...parameters]).map((run) => ({ view: joinedFlat(run.map(of)), owner: ownerOf(run[0]!) }));
}
