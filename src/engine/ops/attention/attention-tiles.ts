/**
 * Sizes of the tiles that the attention kernels on tensor cores work with, by head size and by the shared memory a block
 * can have: the first of a few candidates that fits. Rows are queries times the heads that share a key-value head.
 */

export interface Tiles {
  readonly rows: number;
  readonly keys: number;
  readonly threads: number;
  /** Bytes of shared memory; as the kernel's `Shared` adds up. */
  readonly shared: number;
  readonly defines: Readonly<Record<string, number>>;
}

/** A line of a tile takes so many bytes: attention.cuh's PITCH. */
const lineBytes = (headDim: number): number => (headDim + 8) * 2;

/** 16-row parts of a tile that one warp has: as many as leave its sums in registers. */
const partsOf = (headDim: number): number => (headDim <= 128 ? 2 : 1);

/** Tiles of attention-forward.cu. */
export function forwardTiles(headDim: number, sharedPerBlock: number): Tiles {
  const parts = partsOf(headDim);
  const warps = 4;
  const rows = warps * parts * 16;
  return firstThatFits(
    [64, 32].map((keys) => ({
      rows,
      keys,
      threads: warps * 32,
      shared: (rows + 2 * keys) * lineBytes(headDim) + (2 * rows + 2 * keys) * 4,
      defines: { WARPS: warps, PARTS: parts, KEYS: keys },
    })),
    sharedPerBlock,
  );
}

/** Tiles of attention-queries.cu: few keys, since scores and their gradients are held at once. */
export function queryTiles(headDim: number, sharedPerBlock: number): Tiles {
  const parts = partsOf(headDim);
  const keys = 32;
  const candidates = [
    { warps: 4, stages: 2 },
    { warps: 4, stages: 1 },
    { warps: 2, stages: 1 },
  ];
  return firstThatFits(
    candidates.map(({ warps, stages }) => {
      const rows = warps * parts * 16;
      return {
        rows,
        keys,
        threads: warps * 32,
        shared: (2 * rows + 2 * stages * keys) * lineBytes(headDim) + 4 * rows * 4 + 4 * keys * 4,
        defines: { WARPS: warps, PARTS: parts, KEYS: keys, STAGES: stages },
      };
    }),
    sharedPerBlock,
  );
}

/** Tiles of attention-keys.cu. */
export function keyTiles(headDim: number, sharedPerBlock: number): Tiles {
  const candidates = [
    { warps: 4, rows: 64, stages: 2 },
    { warps: 4, rows: 64, stages: 1 },
    { warps: 2, rows: 32, stages: 1 },
  ];
  return firstThatFits(
    candidates.map(({ warps, rows, stages }) => {
      const keys = warps * 16;
      return {
        rows,
        keys,
        threads: warps * 32,
        shared: (2 * keys + 2 * stages * rows) * lineBytes(headDim) + 2 * 4 * rows * 4,
        defines: { WARPS: warps, ROWS: rows, STAGES: stages },
      };
    }),
    sharedPerBlock,
  );
}

/** Bytes by which a tile for warpgroups may have to be moved in a block's shared memory to begin where it must. */
const ALIGNMENT = 1024;

/** Rows or keys of one warpgroup. */
const WARPGROUP_LINES = 64;
const WARPGROUP_THREADS = 128;

/** Whether there are kernels of warpgroups for a head size. */
export function suitsWarpgroups(headDim: number): boolean {
  return headDim === 64 || headDim === 128;
}

/** Tiles of attention-queries.sm_90a.cu: lists are of half a step's keys. */
export function warpgroupQueryTiles(headDim: number): Tiles {
  const warpgroups = 2;
  const [piece, keys] = [32, 64];
  const rows = warpgroups * WARPGROUP_LINES;
  return {
    rows,
    keys: piece,
    threads: warpgroups * WARPGROUP_THREADS,
    shared: (2 * rows + 5 * keys) * headDim * 2 + 4 * keys * 4 + ALIGNMENT,
    defines: { WARPGROUPS: warpgroups, KEYS: keys, PIECE: piece },
  };
}

/** Tiles of attention-keys.sm_90a.cu. */
export function warpgroupKeyTiles(headDim: number): Tiles {
  const warpgroups = 2;
  const rows = 64;
  const keys = warpgroups * WARPGROUP_LINES;
  return {
    rows,
    keys,
    threads: warpgroups * WARPGROUP_THREADS,
    shared: (2 * keys + 6 * rows) * headDim * 2 + 2 * 4 * rows * 4 + ALIGNMENT,
    defines: { WARPGROUPS: warpgroups, ROWS: rows },
  };
}

function firstThatFits(candidates: readonly Tiles[], sharedPerBlock: number): Tiles {
  const fitting = candidates.find(({ shared }) => shared <= sharedPerBlock);
  if (fitting === undefined) throw new Error(`attention: no tiles fit in ${sharedPerBlock} bytes of shared memory`);
  return fitting;
}
