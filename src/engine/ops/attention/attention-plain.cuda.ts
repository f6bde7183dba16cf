import { blocksFor, type CudaFunction, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView, KernelArgument } from "../../device/device.ts";
import type { Problem } from "./attention-problem.ts";

const SOURCE = "attention/attention-plain.cu";
const forward = cudaFunction(SOURCE, "attention_plain_forward", "pp ppp pppp iiii fif");
const queryPass = cudaFunction(SOURCE, "attention_plain_queries", "pp ppp ppp pppp iiii fif");
const keyPass = cudaFunction(SOURCE, "attention_plain_keys", "pp ppp ppp pppp iiii fif");

/** Warps a block, each with a line of its own. */
const WARPS = 4;

/** What the backward pass writes and reads beside the inputs. */
export interface Gradients {
  readonly dq: BufferView;
  readonly dk: BufferView;
  readonly dv: BufferView;
  readonly delta: BufferView;
  readonly dout: BufferView;
  readonly out: BufferView;
  readonly lse: BufferView;
}

export function plainForward(cuda: CudaLauncher, out: BufferView, lse: BufferView | null, problem: Problem): void {
  run(cuda, forward, problem.queries * problem.heads, [out, lse], problem);
}

export function plainBackward(cuda: CudaLauncher, gradients: Gradients, problem: Problem): void {
  const { dq, dk, dv, delta, dout, out, lse } = gradients;
  run(cuda, queryPass, problem.queries * problem.heads, [dq, delta, dout, out, lse], problem);
  run(cuda, keyPass, problem.keys * problem.kvHeads, [dk, dv, dout, lse, delta], problem);
}

function run(
  cuda: CudaLauncher,
  kernel: CudaFunction,
  lines: number,
  own: readonly KernelArgument[],
  { q, k, v, layout, queries, keys, heads, kvHeads, headDim, scale, reach, softcap }: Problem,
): void {
  const launch = {
    types: { X: q },
    defines: { HEAD_DIM: headDim },
    grid: [blocksFor(lines, WARPS)],
    block: WARPS * 32,
  } as const;
  const sizes = [queries, keys, heads, kvHeads, scale, reach, softcap];
  cuda.run(kernel, launch, [...own, q, k, v, ...layout, ...sizes]);
}
