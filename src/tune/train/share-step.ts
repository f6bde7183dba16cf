/**
 * A step's examples divided among processes: a pure function of the examples, so that nobody need be told. Which examples
 * a step takes does not depend on the number of processes, nor does its loss.
 */
import { commonBeginning, commonLength, lexicographicOrder } from "../data/forest.ts";
import { type EncodedExample, MIN_SHARED, type PackOptions } from "../data/pack.ts";

/** One of several processes. */
export interface Share {
  readonly rank: number;
  readonly size: number;
}

export interface ShareOptions extends Pick<PackOptions, "sharePrompts" | "pooling"> {
  /** Most examples of a forward pass. */
  readonly batchSize: number;
}

/**
 * The examples of each forward pass of one process; none where there are fewer examples than processes. Processes have
 * about as many tokens to compute; examples that have more in common than all do stay together, so that it is computed
 * once.
 * @param batches those of the whole step
 */
export function shareOfStep(
  batches: readonly (readonly EncodedExample[])[],
  { rank, size }: Share,
  { batchSize, sharePrompts, pooling = "last" }: ShareOptions,
): readonly (readonly EncodedExample[])[] {
  if (size === 1) return batches;
  const examples = batches.flat();
  const sharing = sharePrompts && pooling === "last";
  const loads = new Float64Array(size);
  const own: EncodedExample[] = [];
  const units = unitsOf(examples, sharing, size).sort((a, b) => b.tokens - a.tokens);
  for (const { members, tokens } of units) {
    const least = loads.indexOf(loads.reduce((a, b) => Math.min(a, b)));
    loads[least]! += tokens;
    if (least === rank) own.push(...members.map((member) => examples[member]!));
  }
  return Array.from({ length: Math.ceil(own.length / batchSize) }, (_, i) =>
    own.slice(i * batchSize, (i + 1) * batchSize),
  );
}

/** Examples that stay together, and the tokens that they add to a pack. */
interface Unit {
  readonly members: number[];
  tokens: number;
}

function unitsOf(examples: readonly EncodedExample[], sharing: boolean, size: number): Unit[] {
  const sequences = examples.map(({ ids }) => ids);
  if (!sharing) return sequences.map(({ length }, member) => ({ members: [member], tokens: length }));
  const beginning = commonBeginning(sequences);
  const order = lexicographicOrder(sequences, beginning);
  const costs = order.map((member, i) => {
    const sequence = sequences[member]!;
    const shared = i === 0 ? beginning : commonLength(sequences[order[i - 1]!]!, sequence, beginning);
    return { member, alone: sequence.length - beginning, saved: shared - beginning };
  });
  // A unit of more than a process's part would leave the others waiting: what it shares is computed twice instead.
  const most = costs.reduce((sum, { alone, saved }) => sum + alone - saved, 0) / size;
  const units: Unit[] = [];
  for (const { member, alone, saved } of costs) {
    const unit = units.at(-1);
    if (unit !== undefined && saved > MIN_SHARED && unit.tokens + alone - saved <= most) {
      unit.members.push(member);
      unit.tokens += alone - saved;
    } else units.push({ members: [member], tokens: alone });
  }
  return units;
}
