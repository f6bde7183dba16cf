import { blocksFor, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import { type BufferView, dtypeBytes } from "../../device/device.ts";
import { backwardBlocks, forwardBlocks, rowsOfBlocks } from "./gated-linear-blocks.ts";

const forward = cudaFunction("gated-linear/gated-linear-forward.cu", "gated_linear_forward", "p pp ppp iii ff");
const backward = cudaFunction("gated-linear/gated-linear-backward.cu", "gated_linear_backward", "pp pp ppp ppp iii ff");
const sum = cudaFunction("gated-linear/gated-linear-sum.cu", "gated_linear_sum", "pi p iiiii fi");
const SUM_THREADS = 256;

type Inputs = readonly [
  gate: BufferView,
  up: BufferView,
  h: BufferView,
  gateB: BufferView | null,
  upB: BufferView | null,
  rows: number,
  width: number,
  gateRank: number,
  upRank: number,
  gateScale: number,
  upScale: number,
  activation: number,
];

export const gatedLinearCuda = {
  gated_linear_forward(cuda: CudaLauncher, y: BufferView, ...inputs: Inputs): void {
    const [gate, up, h, gateB, upB, rows, width, gateRank, upRank, gateScale, upScale, activation] = inputs;
    const { columns, threads, resident } = forwardBlocks([gateRank, upRank]);
    const columnBlocks = blocksFor(width, columns);
    const share = rowsOfBlocks(rows, columnBlocks, resident * cuda.properties.multiprocessors);
    const launch = {
      defines: { ACTIVATION: activation, GATE_RANK: gateRank, UP_RANK: upRank },
      grid: [columnBlocks, blocksFor(rows, share)],
      block: threads,
    } as const;
    cuda.run(forward, launch, [y, gate, up, h, gateB, upB, rows, width, share, gateScale, upScale]);
  },

  gated_linear_backward(
    cuda: CudaLauncher,
    dgate: BufferView,
    dup: BufferView,
    dh: BufferView,
    dgateB: BufferView | null,
    dupB: BufferView | null,
    dy: BufferView,
    ...inputs: Inputs
  ): void {
    const [gate, up, h, gateB, upB, rows, width, gateRank, upRank, gateScale, upScale, activation] = inputs;
    if (rows === 0) return;
    const rank = gateRank + upRank;
    const { sharedPerBlock, multiprocessors } = cuda.properties;
    const { columns, threads, resident, shared, defines } = backwardBlocks([gateRank, upRank], sharedPerBlock);
    const columnBlocks = blocksFor(width, columns);
    const share = rowsOfBlocks(rows, columnBlocks, resident * multiprocessors);
    const rowBlocks = blocksFor(rows, share);
    const partsOfH = cuda.scratch(columnBlocks * rows * rank, "f32");
    const partsOfB = dgateB || dupB ? cuda.scratch(rowBlocks * width * rank, "f32") : null;
    const launch = {
      defines: { ACTIVATION: activation, GATE_RANK: gateRank, UP_RANK: upRank, ...defines },
      grid: [columnBlocks, rowBlocks],
      block: threads,
      shared,
    } as const;
    const tensors = [dgate, dup, partsOfH, partsOfB, dy, gate, up, h, gateB, upB];
    cuda.run(backward, launch, [...tensors, rows, width, share, gateScale, upScale]);

    const addUp = (to: BufferView, ldto: number, parts: BufferView, of: PartsOf, add: 0 | 1): void => {
      const { count, rows, columns, begin, scale } = of;
      const grid = [blocksFor((rows * columns) / 4, SUM_THREADS)] as const;
      const sizes = [count, rows, columns, rank, begin, scale, add];
      cuda.run(sum, { types: { X: to }, grid, block: SUM_THREADS }, [to, ldto, parts, ...sizes]);
    };
    const members = [
      { columns: gateRank, begin: 0, scale: gateScale, db: dgateB },
      { columns: upRank, begin: gateRank, scale: upScale, db: dupB },
    ];
    for (const { db, ...of } of members) {
      addUp(columnsFrom(dh, of.begin), rank, partsOfH, { ...of, count: columnBlocks, rows }, 0);
      if (db) addUp(db, of.columns, partsOfB!, { ...of, count: rowBlocks, rows: width }, 1);
    }
  },
};

/** Which columns of partial sums are added up. */
interface PartsOf {
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
  readonly begin: number;
  readonly scale: number;
}

function columnsFrom({ buffer, offset, length, dtype }: BufferView, begin: number): BufferView {
  return { buffer, offset: offset + begin * dtypeBytes[dtype], length: length - begin, dtype };
}
