/** How the gated-linear kernels are spread over a card. */

export type Ranks = readonly [gate: number, up: number];

export interface Blocks {
  /** Columns that a block has. */
  readonly columns: number;
  readonly threads: number;
  /** Blocks that a multiprocessor runs at once. */
  readonly resident: number;
}

/** Steps of tensor cores, 16 ranks each, up to which registers suffice for more warps. */
const FEW_PARTS = 2;
/** What the driver takes of a multiprocessor's shared memory for each block, in bytes. */
const RESERVED = 1024;

function partsOf([gate, up]: Ranks): number {
  return Math.ceil(gate / 16) + Math.ceil(up / 16);
}

/** Of gated-linear-forward.cu. */
export function forwardBlocks(ranks: Ranks): Blocks {
  return { columns: 256, threads: 256, resident: partsOf(ranks) <= FEW_PARTS ? 3 : 2 };
}

interface BackwardBlocks extends Blocks {
  /** Bytes of shared memory; as the kernel's `Shared` adds up. */
  readonly shared: number;
  readonly defines: Readonly<Record<string, number>>;
}

/** Of gated-linear-backward.cu: wide, for few partial sums of dh, and with enough under way to hide memory's latency. */
export function backwardBlocks(ranks: Ranks, sharedPerBlock: number): BackwardBlocks {
  const parts = partsOf(ranks);
  const lineBytes = 32 * parts;
  const candidates = [
    { warps: 16, stages: 3 },
    { warps: 16, stages: 2 },
    { warps: 8, stages: 3 },
    { warps: 8, stages: 2 },
    { warps: 4, stages: 2 },
  ].map(({ warps, stages }) => {
    const columns = warps * 32;
    const sums = warps * (ranks[0] + ranks[1]) * 64;
    const shared = stages * (warps * 3072 + 16 * lineBytes) + columns * lineBytes + sums;
    const most = warps <= 8 && parts <= FEW_PARTS ? 2 : 1;
    const resident = Math.min(most, Math.floor((sharedPerBlock + RESERVED) / (shared + RESERVED)));
    return { columns, threads: columns, resident, shared, defines: { WARPS: warps, STAGES: stages } };
  });
  const fitting = candidates.find(({ threads, resident }) => resident > 0 && (parts <= FEW_PARTS || threads <= 256));
  if (fitting === undefined) throw new Error(`gated-linear: ${sharedPerBlock} bytes of shared memory do not suffice`);
  return fitting;
}

/** Rows that kernels take at a time. */
const STEP = 16;
/** What a block costs beside its steps, in steps: the wait for its first bytes, and its partial sums. */
const BEGINNING = 3;

/** Rows of a block, a multiple of 16, such that the card's last blocks end together. */
export function rowsOfBlocks(rows: number, columnBlocks: number, resident: number): number {
  const steps = Math.max(1, Math.ceil(rows / STEP));
  const most = Math.min(steps, 2 * resident);
  let best = { each: steps, cost: Number.POSITIVE_INFINITY };
  for (let blocks = 1; blocks <= most; blocks++) {
    const each = Math.ceil(steps / blocks);
    const waves = Math.ceil((columnBlocks * Math.ceil(steps / each)) / resident);
    const cost = waves * (each + BEGINNING);
    if (cost < best.cost) best = { each, cost };
  }
  return best.each * STEP;
}
