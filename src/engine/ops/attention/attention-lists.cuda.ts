import { blocksFor, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";
import type { Problem } from "./attention-problem.ts";
import type { Tiles } from "./attention-tiles.ts";

const SOURCE = "attention/attention-lists.cu";
const extremes = cudaFunction(SOURCE, "attention_extremes", "pp pppp iiiii");
const lists = cudaFunction(SOURCE, "attention_lists", "pppp pp ii iiii i");
const plan = cudaFunction(SOURCE, "attention_plan", "ppp p iii");

/** Rows or keys whose extremes are kept together. */
const UNIT = 32;
const THREADS = 256;
const PLAN_THREADS = 1024;
/** A share of a sum is worth its way to memory and back from so many tiles on. */
const SHORTEST_CHUNK = 8;
/** Split chunks wanted for each multiprocessor: enough that none is long against the whole. */
const CHUNKS_A_MULTIPROCESSOR = 6;

/** For each tile how many tiles of the other kind it sees or is seen by, and which: lists of `others` entries. */
export interface TileLists {
  readonly tiles: number;
  readonly others: number;
  readonly counts: BufferView;
  readonly lists: BufferView;
}

/** Lists for each tile of rows the tiles of keys, cut as `byRow` says; for each tile of keys those of rows as `byKey`. */
export function listTiles(
  cuda: CudaLauncher,
  { layout, rows, keys, group, reach }: Problem,
  byRow: Tiles,
  byKey?: Tiles,
): { readonly byRow: TileLists; readonly byKey: TileLists | undefined } {
  const rowUnits = blocksFor(rows, UNIT);
  const keyUnits = blocksFor(keys, UNIT);
  const ofRows = cuda.scratch(Math.max(4 * rowUnits, 1), "i32");
  const ofKeys = cuda.scratch(4 * keyUnits, "i32");
  const grid = [blocksFor((rowUnits + keyUnits) * UNIT, THREADS)] as const;
  const counts = [rows, keys, group, rowUnits, keyUnits];
  cuda.run(extremes, { grid, block: THREADS }, [ofRows, ofKeys, ...layout, ...counts]);

  const space = (tiles: number, others: number): TileLists => ({
    tiles,
    others,
    counts: cuda.scratch(Math.max(tiles, 1), "i32"),
    lists: cuda.scratch(Math.max(tiles * others, 1), "i32"),
  });
  const rowLists = space(blocksFor(rows, byRow.rows), blocksFor(keys, byRow.keys));
  const keyLists = byKey && space(blocksFor(keys, byKey.keys), blocksFor(rows, byKey.rows));
  const units = ({ rows, keys }: Tiles): number[] => [rows / UNIT, keys / UNIT];
  cuda.run(lists, { grid: [rowLists.tiles + (keyLists?.tiles ?? 0)], block: THREADS }, [
    ...[rowLists.counts, rowLists.lists, keyLists?.counts ?? null, keyLists?.lists ?? null],
    ...[ofRows, ofKeys, rowUnits, keyUnits, ...units(byRow), ...units(byKey ?? byRow), reach],
  ]);
  return { byRow: rowLists, byKey: keyLists };
}

/** How the tiles of keys are spread over blocks; what is where, attention_plan says. */
export interface KeyPlan {
  readonly totals: BufferView;
  readonly chunks: BufferView;
  readonly splits: BufferView;
  /** The most chunks and split tiles there can be, and the slots for shares of split tiles, each of one kv head. */
  readonly chunkLimit: number;
  readonly splitLimit: number;
  readonly slots: number;
}

/** Cuts the lists of tiles of keys into chunks of similar length. */
export function planKeys(cuda: CudaLauncher, { tiles, others, counts }: TileLists, kvHeads: number): KeyPlan {
  const wanted = Math.ceil((CHUNKS_A_MULTIPROCESSOR * cuda.properties.multiprocessors) / kvHeads);
  const possible = tiles * Math.floor(others / SHORTEST_CHUNK);
  const slots = others < 2 * SHORTEST_CHUNK ? 0 : Math.min(wanted, possible);
  const splitLimit = Math.min(tiles, Math.floor(slots / 2));
  const chunkLimit = tiles + slots;
  const totals = cuda.scratch(2, "i32");
  const chunks = cuda.scratch(4 * chunkLimit, "i32");
  const splits = cuda.scratch(4 * Math.max(splitLimit, 1), "i32");
  const args = [totals, chunks, splits, counts, tiles, slots, SHORTEST_CHUNK];
  cuda.run(plan, { grid: [1], block: PLAN_THREADS }, args);
  return { totals, chunks, splits, chunkLimit, splitLimit, slots };
}
