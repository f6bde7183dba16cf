/**
 * The layout of a forward pass: a forest of token segments, flat, in depth-first order (docs/architecture.md, "Packs").
 * Position is depth in the tree; a key is visible to the queries from itself up to its expiry, the end of its subtree.
 */
import type { Device } from "../device/device.ts";
import type { AttentionLayout } from "../ops/attention/attention.ts";
import type { PagedQueries } from "../ops/paged-attention/paged-attention.ts";
import { gatherRows } from "../ops/rows/rows.ts";
import { fromHost, type Tensor } from "../tensor/tensor.ts";

/** On the host. All arrays have one entry per token. */
export interface Sequence {
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  readonly expiry: Int32Array;
}

/** Tokens of many sequences whose keys and values lie in the pages of a cache; on the host, one entry per token. */
export interface PagedSequence {
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  /** Where its key and value go: a place of its own, page · page size + position % page size. */
  readonly places: Int32Array;
  /** Row of `pages`. */
  readonly members: Int32Array;
  /** [sequences, pagesEach] Numbers of each sequence's pages; anything past its end. */
  readonly pages: Int32Array;
  readonly pagesEach: number;
  /** Token indices whose final hidden states are wanted. */
  readonly rows: Int32Array;
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
  /** In place of layouts, of tokens whose keys are in a cache. */
  readonly paged?: PagedTensors;
  /** Restricted to the rows that are wanted from the last layer, when not all are. */
  readonly wanted: WantedRows | undefined;
}

export interface PagedTensors {
  /** i32 [tokens] */
  readonly places: Tensor;
  readonly queries: PagedQueries;
}

export interface WantedRows {
  /** i32 [wanted], ascending. */
  readonly index: Tensor;
  readonly rotary: readonly RotaryTable[];
  readonly layouts: Layouts;
  readonly queries?: PagedQueries;
}

export type Layouts = ReadonlyMap<number, AttentionLayout>;

/**
 * Places a sequence on the device. `rows` (ascending token indices) are what the last layer computes; all by default. `sights`
 * are how far ahead of themselves in their segment tokens see, in one layer or another: 0 in a causal model, Infinity where all
 * of the segment is seen, for which segments must have no children.
 */
export function placeSequence(
  device: Device,
  sequence: Sequence,
  tables: readonly RotaryTable[],
  rows?: Int32Array,
  sights: readonly number[] = [0],
): SequenceTensors {
  const { tokens, positions, expiry } = sequence;
  const keyPosition = fromHost(device, positions);
  const shared = { expiry: fromHost(device, expiry), keyPosition };
  const place = (i: number, ahead: number): number => (ahead === 0 ? i : Math.min(i + ahead, expiry[i]! - 1));
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
    positions: keyPosition,
    rotary: rotaryAt(tables, keyPosition),
    layouts: layoutsOf(
      tokens.map((_, i) => i),
      keyPosition,
    ),
  };
  if (rows === undefined || rows.length === tokens.length) return { ...all, wanted: undefined };
  const wantedPosition = valuesAt(device, positions, rows);
  const wanted: WantedRows = {
    index: fromHost(device, rows),
    rotary: rotaryAt(tables, wantedPosition),
    layouts: layoutsOf(rows, wantedPosition),
  };
  return { ...all, wanted };
}

/** Places tokens that go on from what is in a cache on the device. */
export function placePaged(
  device: Device,
  { tokens, positions, places, members, pages, pagesEach, rows }: PagedSequence,
  tables: readonly RotaryTable[],
): SequenceTensors {
  const position = fromHost(device, positions);
  const wantedPosition = valuesAt(device, positions, rows);
  const pageTable = fromHost(device, pages, [pages.length / pagesEach, pagesEach]);
  return {
    tokens: fromHost(device, tokens),
    positions: position,
    rotary: rotaryAt(tables, position),
    layouts: new Map(),
    paged: {
      places: fromHost(device, places),
      queries: { sequence: fromHost(device, members), position, pages: pageTable },
    },
    wanted: {
      index: fromHost(device, rows),
      rotary: rotaryAt(tables, wantedPosition),
      layouts: new Map(),
      queries: { sequence: valuesAt(device, members, rows), position: wantedPosition, pages: pageTable },
    },
  };
}

function valuesAt(device: Device, values: Int32Array, rows: Int32Array): Tensor {
  return fromHost(
    device,
    rows.map((row) => values[row]!),
  );
}

function rotaryAt(tables: readonly RotaryTable[], positions: Tensor): RotaryTable[] {
  return tables.map(({ cos, sin }) => ({ cos: gatherRows(cos, positions), sin: gatherRows(sin, positions) }));
}
