import { Random } from "../../src/base/random.ts";

export interface RowShape {
  readonly batches: number;
  readonly batch: number;
  /** Tokens of a row. */
  readonly length: number;
  /** Tokens at the beginning that all rows of all batches have in common. */
  readonly shared: number;
  /** Ids are drawn below this. */
  readonly vocabulary: number;
}

/** [batches][batch][length] random token ids: speed depends on lengths and on what is shared, not on what is said. */
export function randomRows({ batches, batch, length, shared, vocabulary }: RowShape): number[][][] {
  const random = new Random(1, "bench rows");
  const draw = (count: number): number[] => Array.from({ length: count }, () => random.integer(vocabulary));
  const prefix = draw(shared);
  return Array.from({ length: batches }, () =>
    Array.from({ length: batch }, () => [...prefix, ...draw(length - shared)]),
  );
}
