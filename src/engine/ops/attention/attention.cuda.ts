import { blocksFor, type CudaFunction, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";
import { listTiles, planKeys } from "./attention-lists.cuda.ts";
import { plainBackward, plainForward } from "./attention-plain.cuda.ts";
import { type Inputs, type Problem, readProblem } from "./attention-problem.ts";
import {
  forwardTiles,
  keyTiles,
  queryTiles,
  suitsWarpgroups,
  type Tiles,
  warpgroupKeyTiles,
  warpgroupQueryTiles,
} from "./attention-tiles.ts";

/** One way to compute attention on tensor cores: its kernels, which take the same arguments as those of any other. */
export interface Way {
  readonly forward: CudaFunction;
  readonly queryPass: CudaFunction;
  readonly keyPass: CudaFunction;
  /** Sizes of tiles by head size and by the shared memory that a block can have. */
  readonly forwardTiles: (headDim: number, sharedPerBlock: number) => Tiles;
  readonly queryTiles: (headDim: number, sharedPerBlock: number) => Tiles;
  readonly keyTiles: (headDim: number, sharedPerBlock: number) => Tiles;
}

const FORWARD = "pp ppp pppp pp iiiiii u fif";
const QUERIES = "pp ppp ppp pppp pp iiiiii u ffif";
const KEYS = "ppp ppp ppp pppp ppp iiiii u ffif";

const sumShares = cudaFunction("attention/attention-shares.cu", "attention_shares", "pp ppp iif");

const byWarps: Way = {
  forward: cudaFunction("attention/attention-forward.cu", "attention_forward", FORWARD),
  queryPass: cudaFunction("attention/attention-queries.cu", "attention_queries", QUERIES),
  keyPass: cudaFunction("attention/attention-keys.cu", "attention_keys", KEYS),
  forwardTiles,
  queryTiles,
  keyTiles,
};

/** On Hopper. The forward pass gained nothing from warpgroups, the backward pass two thirds. */
const byWarpgroups: Way = {
  ...byWarps,
  queryPass: cudaFunction("attention/attention-queries.sm_90a.cu", "attention_queries_warpgroups", QUERIES),
  keyPass: cudaFunction("attention/attention-keys.sm_90a.cu", "attention_keys_warpgroups", KEYS),
  queryTiles: warpgroupQueryTiles,
  keyTiles: warpgroupKeyTiles,
};

/** Cards of this architecture multiply by warpgroups. */
export const WARPGROUP_ARCHITECTURE = 90;

/** Head sizes up to this one have the sums of dk and dv in registers at once; attention-keys.cu says the same. */
const TOGETHER = 128;
const SHARE_THREADS = 256;

/**
 * Tensor cores where the numbers are bf16 and the head size a multiple of 16 up to 256; undefined, for plain arithmetic,
 * elsewhere. The plain kernels also take what the others cannot: views that do not begin on 16 bytes, scales that are
 * not positive.
 */
function wayOf(
  cuda: CudaLauncher,
  { q, k, v, headDim, scale }: Problem,
  others: readonly BufferView[],
): Way | undefined {
  const aligned = [q, k, v, ...others].every((view) => view.dtype === "bf16" && view.offset % 16 === 0);
  if (!aligned || headDim % 16 !== 0 || headDim > 256 || scale <= 0) return undefined;
  const { architecture } = cuda.properties;
  return architecture === WARPGROUP_ARCHITECTURE && suitsWarpgroups(headDim) ? byWarpgroups : byWarps;
}

/** Base-2 exponents of q·k: their factor, or the factor of tanh's argument and the cap of the exponents. */
function exponents({ scale, softcap }: Problem): readonly [factor: number, cap: number] {
  return softcap > 0 ? [scale / softcap, softcap * Math.LOG2E] : [scale * Math.LOG2E, 0];
}

/** By which a division by the group becomes a product; 0 stands for a group of 1. */
function reciprocal(group: number): number {
  return group === 1 ? 0 : Math.ceil(2 ** 32 / group);
}

export const attentionCuda = {
  attention_forward(cuda: CudaLauncher, out: BufferView, lse: BufferView | null, ...inputs: Inputs): void {
    const problem = readProblem(inputs);
    const way = wayOf(cuda, problem, [out]);
    if (way === undefined) {
      plainForward(cuda, out, lse, problem);
      return;
    }
    const { q, k, v, layout, rows, keys, heads, kvHeads, group, headDim, reach, softcap } = problem;
    const [factor, cap] = exponents(problem);
    const tiles = way.forwardTiles(headDim, cuda.properties.sharedPerBlock);
    const { byRow } = listTiles(cuda, problem, tiles);
    const blocks = byRow.tiles * kvHeads;
    const launch = {
      defines: { HEAD_DIM: headDim, SOFTCAP: softcap > 0 ? 1 : 0, ...tiles.defines },
      grid: [blocks],
      block: tiles.threads,
      shared: tiles.shared,
    } as const;
    const lists = [byRow.counts, byRow.lists, byRow.tiles, byRow.others];
    const sizes = [rows, keys, heads, kvHeads, reciprocal(group), factor, reach, cap];
    cuda.run(way.forward, launch, [out, lse, q, k, v, ...layout, ...lists, ...sizes]);
  },

  attention_backward(
    cuda: CudaLauncher,
    dq: BufferView,
    dk: BufferView,
    dv: BufferView,
    delta: BufferView,
    dout: BufferView,
    out: BufferView,
    lse: BufferView,
    ...inputs: Inputs
  ): void {
    const problem = readProblem(inputs);
    const way = wayOf(cuda, problem, [dq, dk, dv, dout, out]);
    if (way === undefined) {
      plainBackward(cuda, { dq, dk, dv, delta, dout, out, lse }, problem);
      return;
    }
    const { q, k, v, layout, rows, keys, heads, kvHeads, group, headDim, scale, reach, softcap } = problem;
    const [factor, cap] = exponents(problem);
    const common = { HEAD_DIM: headDim, SOFTCAP: softcap > 0 ? 1 : 0 };
    const { sharedPerBlock } = cuda.properties;
    const forQueries = way.queryTiles(headDim, sharedPerBlock);
    const forKeys = way.keyTiles(headDim, sharedPerBlock);
    const { byRow, byKey } = listTiles(cuda, problem, forQueries, forKeys);

    const sizes = [rows, keys, heads, kvHeads, reciprocal(group), scale, factor, reach, cap];
    const queryLaunch = {
      defines: { ...common, ...forQueries.defines },
      grid: [byRow.tiles * kvHeads],
      block: forQueries.threads,
      shared: forQueries.shared,
    } as const;
    const rowLists = [byRow.counts, byRow.lists, byRow.tiles, byRow.others];
    cuda.run(way.queryPass, queryLaunch, [dq, delta, dout, out, lse, q, k, v, ...layout, ...rowLists, ...sizes]);

    const plan = planKeys(cuda, byKey!, kvHeads);
    const shareLength = 2 * forKeys.keys * headDim;
    const shares = cuda.scratch(Math.max(plan.slots * kvHeads * shareLength, 1), "f32");
    const keyLaunch = {
      defines: { ...common, ...forKeys.defines },
      grid: [plan.chunkLimit * kvHeads, headDim <= TOGETHER ? 1 : 2],
      block: forKeys.threads,
      shared: forKeys.shared,
    } as const;
    const work = [plan.totals, plan.chunks, byKey!.lists, byKey!.others];
    cuda.run(way.keyPass, keyLaunch, [dk, dv, shares, dout, lse, delta, q, k, v, ...layout, ...work, ...sizes]);
    const sumLaunch = {
      defines: { HEAD_DIM: headDim, KEYS: forKeys.keys },
      grid: [plan.splitLimit, kvHeads, blocksFor(shareLength / 8, SHARE_THREADS)],
      block: SHARE_THREADS,
    } as const;
    cuda.run(sumShares, sumLaunch, [dk, dv, shares, plan.totals, plan.splits, keys, kvHeads, scale]);
  },
};
