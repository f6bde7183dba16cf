/** The gated middle of an MLP in one pass: the same bits every time, also where it is dropped and made again. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Random } from "../../src/base/random.ts";
import { encodeBf16 } from "../../src/engine/device/bf16.ts";
import { gatedLinear } from "../../src/engine/ops/gated-linear/gated-linear.ts";
import type { LinearMember } from "../../src/engine/ops/linear/group.ts";
import { linear } from "../../src/engine/ops/linear/linear.ts";
import { scope } from "../../src/engine/tensor/scope.ts";
import { Tape } from "../../src/engine/tensor/tape.ts";
import { fromHost, release, type Tensor, toBytes } from "../../src/engine/tensor/tensor.ts";
import { cudaSkip, openCudaForTests } from "../helpers/cuda.ts";

const [tokens, hidden, width, rank] = [150, 32, 560, 16];

describe("gated-linear on CUDA", { skip: cudaSkip }, () => {
  const device = openCudaForTests({ precision: "bf16" });
  after(() => device.close());

  function values(length: number, seed: number, size: number): Float32Array {
    const stream = new Random(seed);
    return Float32Array.from({ length }, () => stream.normal() * size);
  }

  /** An MLP's gradients of x and of the adapters, and the bytes kept for the way back. */
  function run(dropCheap: boolean): { gradients: Uint8Array[]; kept: number } {
    const half = (shape: readonly [number, number], seed: number, size: number): Tensor =>
      fromHost(device, encodeBf16(values(shape[0] * shape[1], seed, size)), shape);
    const trained: Tensor[] = [];
    const parameter = (shape: readonly [number, number], seed: number): Tensor => {
      const tensor = fromHost(device, values(shape[0] * shape[1], seed, 0.2), shape);
      tensor.trainable = true;
      trained.push(tensor);
      return tensor;
    };
    return scope(() => {
      const [gate, up] = [1, 2].map(
        (seed): LinearMember => ({
          weight: half([width, hidden], seed, 0.2),
          adapter: { a: parameter([rank, hidden], 10 + seed), b: parameter([width, rank], 20 + seed), scale: 2 },
        }),
      ) as [LinearMember, LinearMember];
      const down = half([hidden, width], 3, 0.2);
      const x = half([tokens, hidden], 4, 1);
      const dy = half([tokens, hidden], 5, 1);
      const before = device.memory().live;
      const tape = new Tape({ dropCheap });
      tape.track(x);
      const y = tape.run(() => scope(() => linear(gatedLinear(x, gate, up, "silu"), down)));
      const kept = device.memory().live - before;
      const [dx] = tape.backward([[y, dy]], [x]);
      const gradients = [dx!, ...trained.map(({ gradient }) => gradient!)].map(toBytes);
      for (const { gradient, rounded } of trained)
        for (const beside of [gradient, rounded]) if (beside) release(beside);
      return { gradients, kept };
    });
  }

  test("every run gives the same bits", () => {
    assert.deepEqual(run(false).gradients, run(false).gradients);
  });

  test("dropped and made again, it gives the same bits in less memory", () => {
    const [keeping, dropping] = [run(false), run(true)];
    assert.deepEqual(dropping.gradients, keeping.gradients);
    assert.ok(keeping.kept - dropping.kept >= tokens * width * 2);
  });
});
