/**
 * The layout of a forward pass: a forest of token segments, flat, in depth-first order (docs/architecture.md, "Packs").
 * Position is depth in the tree; a key is visible to the queries from itself up to its expiry, the end of its subtree.
 */
import type { Device } from "../device/device.ts";
import type { AttentionLayout } from "../ops/attention/attention.ts";
import { gatherRows } from "../ops/rows/rows.ts";
import { fromHost, type Tensor } from "../tensor/tensor.ts";

/** On the host. All arrays have one entry per token. */
export interface Sequence {
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  readonly expiry: Int32Array;
}

/** cos and sin of every position's rotary angles, [positions, headDim / 2] each. */
export interface RotaryTable {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/** A sequence on the device, ready for every layer. */
export interface SequenceTensors {
  readonly tokens: Tensor;
  /** i32 [tokens], depth in the tree. */
  readonly positions: Tensor;
  /** The rows of each table at the tokens' positions. */
  readonly rotary: readonly RotaryTable[];
  /** By how many tokens ahead of itself in its segment a token sees. */
  readonly layouts: Layouts;
  /** Restricted to the rows that are wanted from the last layer, when not all are. */
  readonly wanted: WantedRows | undefined;
}

export interface WantedRows {
  /** i32 [wanted], ascending. */
  readonly index: Tensor;
  readonly rotary: readonly RotaryTable[];
  readonly layouts: Layouts;
}

export type Layouts = ReadonlyMap<number, AttentionLayout>;

/**
 * Places a sequence on the device. `rows` (ascending token indices) are what the last layer computes; all by default.
 * `cached` tokens of the same path precede the sequence in a key/value cache: index i here is key `cached + i`. `sights` are
 * how far ahead of themselves in their segment tokens see, in one layer or another: 0 in a causal model, Infinity where all of
 * the segment is seen, for which segments must have no children.
 */
export function placeSequence(
  device: Device,
  sequence: Sequence,
  tables: readonly RotaryTable[],
  rows?: Int32Array,
  cached = 0,
  sights: readonly number[] = [0],
): SequenceTensors {
  const { tokens, positions, expiry } = sequence;
  const queryPosition = fromHost(device, positions);
  const keys = cached === 0 ? { expiry, positions } : withCache(sequence, cached);
  const keyPosition = cached === 0 ? queryPosition : fromHost(device, keys.positions);
  const shared = { expiry: fromHost(device, keys.expiry), keyPosition };
  const place = (i: number, ahead: number): number => cached + (ahead === 0 ? i : Math.min(i + ahead, expiry[i]! - 1));
  const layoutsOf = (asking: Int32Array, queryPosition: Tensor): Layouts =>
    new Map(
      sights.map((ahead) => {
        const index = fromHost(
          device,
          asking.map((i) => place(i, ahead)),
        );
        return [ahead, { ...shared, index, queryPosition }];
      }),
    );
  const all = {
    tokens: fromHost(device, tokens),
    positions: queryPosition,
    rotary: rotaryAt(tables, queryPosition),
    layouts: layoutsOf(
      tokens.map((_, i) => i),
      queryPosition,
    ),
  };
  if (rows === undefined || rows.length === tokens.length) return { ...all, wanted: undefined };
  const wantedPosition = fromHost(
    device,
    rows.map((row) => positions[row]!),
  );
  const wanted: WantedRows = {
    index: fromHost(device, rows),
    rotary: rotaryAt(tables, wantedPosition),
    layouts: layoutsOf(rows, wantedPosition),
  };
  return { ...all, wanted };
}

function rotaryAt(tables: readonly RotaryTable[], positions: Tensor): RotaryTable[] {
  return tables.map(({ cos, sin }) => ({ cos: gatherRows(cos, positions), sin: gatherRows(sin, positions) }));
}

/** Keys of the cache are one path: seen by all that follows, at positions 0, 1, …. */
function withCache({ positions, expiry }: Sequence, cached: number): { expiry: Int32Array; positions: Int32Array } {
  const all = { expiry: new Int32Array(cached + expiry.length), positions: new Int32Array(cached + expiry.length) };
  all.expiry.fill(cached + expiry.length, 0, cached);
  all.expiry.set(
    expiry.map((end) => cached + end),
    cached,
  );
  for (let i = 0; i < cached; i++) all.positions[i] = i;
  all.positions.set(positions, cached);
  return all;
}
