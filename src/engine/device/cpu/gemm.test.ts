/** The three kernels of linear layers against loops in float64, and the same bits for any number of threads. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { packageRoot } from "../../../base/package-root.ts";
import { fromBf16, toBf16 } from "../bf16.ts";
import { type BufferView, type DType, dtypeBytes, dtypeCode, type Precision, precisionCode } from "../device.ts";
import { type CpuDevice, openCpuDevice } from "./cpu-device.ts";

const kernelSources = [join(packageRoot, "src/engine/ops/linear/linear.c")];
const [one, two] = await Promise.all([1, 2].map((threads) => openCpuDevice({ threads, kernelSources })));
const skip = one?.device === undefined || two?.device === undefined ? "no C compiler" : false;

/** Numbers in [-1, 1) from a fixed sequence (a linear congruential generator). */
let seed = 1;
function numbers(length: number): Float64Array {
  return Float64Array.from({ length }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.fround(seed / 2 ** 31 - 1);
  });
}

function rounded(values: Float64Array): Float64Array {
  return values.map((value) => fromBf16(toBf16(value)));
}

function upload(device: CpuDevice, values: Float64Array, dtype: DType = "f32"): BufferView {
  const buffer = device.allocate(values.length * dtypeBytes[dtype]);
  const view: BufferView = { buffer, offset: 0, length: values.length, dtype };
  const array = dtype === "bf16" ? Uint16Array.from(values, toBf16) : Float32Array.from(values);
  device.write(view, new Uint8Array(array.buffer));
  return view;
}

function download(device: CpuDevice, view: BufferView): Float32Array {
  const values = new Float32Array(view.length);
  device.read(view, new Uint8Array(values.buffer));
  return values;
}

/** Sum over t of a(i, t) · b(j, t), and the sum of the absolute products, which scales the tolerance. */
function product(
  rows: number,
  columns: number,
  depth: number,
  a: (i: number, t: number) => number,
  b: (j: number, t: number) => number,
): { sum: Float64Array; size: Float64Array } {
  const sum = new Float64Array(rows * columns);
  const size = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      for (let t = 0; t < depth; t++) {
        const term = a(i, t) * b(j, t);
        sum[i * columns + j]! += term;
        size[i * columns + j]! += Math.abs(term);
      }
    }
  }
  return { sum, size };
}

/** f32 sums of exact products: rounding errors of at most about 1e-6 of the sum of absolute terms. */
function expectClose(actual: Float32Array, expected: Float64Array, size: Float64Array, what: string): void {
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    assert.ok(error <= 1e-6 * (size[i]! + 1), `${what}[${i}]: ${actual[i]} instead of ${expected[i]}`);
  }
}

interface Case {
  readonly m: number;
  readonly k: number;
  /** Widths of the group's members. */
  readonly n: readonly number[];
}

const cases: readonly Case[] = [
  { m: 1, k: 1, n: [1] },
  { m: 1, k: 67, n: [5, 130] },
  { m: 3, k: 256, n: [48, 8] },
  { m: 8, k: 31, n: [33] },
  { m: 9, k: 17, n: [16, 15] },
  { m: 16, k: 32, n: [16] },
  { m: 33, k: 65, n: [4, 31, 97] },
  { m: 64, k: 8, n: [96] },
  { m: 70, k: 129, n: [8, 8, 64] },
  { m: 130, k: 600, n: [40] },
  { m: 1100, k: 37, n: [3, 20] },
  { m: 40, k: 64, n: [1100] },
];

/** Runs one kernel on one and on two threads, checks that the bits are equal, and returns the outputs. */
function onBoth(run: (device: CpuDevice) => BufferView[]): Float32Array[] {
  const results = [one, two].map((opened) => {
    const device = opened!.device!;
    const views = run(device);
    const outputs = views.map((view) => download(device, view));
    for (const { buffer } of views) device.free(buffer);
    return outputs;
  });
  assert.deepEqual(results[0], results[1]);
  return results[0]!;
}

describe("linear kernels", { skip }, () => {
  for (const precision of ["f32", "bf16"] as Precision[]) {
    it(`a row's bits do not depend on the rows beside it, from five on, ${precision} products`, () => {
      const [k, n, most] = [900, 40, 70];
      const xs = numbers(most * k);
      const ws = numbers(n * k);
      const forward = (rows: number): Float32Array =>
        onBoth((device) => {
          const y = upload(device, new Float64Array(rows * n));
          const weight = [upload(device, ws), k, dtypeCode.f32, n, null, null, n, y, n, 1];
          const x = upload(device, xs.subarray(0, rows * k));
          device.launch("linear_forward", [x, rows, k, k, precisionCode[precision], 1, ...weight]);
          return [y];
        })[0]!;
      const all = forward(most);
      for (const rows of [5, 15, 16, 17, 32, 33, 48, 64]) assert.deepEqual(forward(rows), all.slice(0, rows * n));
    });
  }

  for (const precision of ["f32", "bf16"] as Precision[]) {
    for (const dtype of ["f32", "bf16"] as DType[]) {
      const input = precision === "bf16" ? rounded : (values: Float64Array) => values;
      const stored = dtype === "bf16" ? rounded : (values: Float64Array) => values;
      const code = precisionCode[precision];

      for (const { m, k, n } of cases) {
        const shape = `${m} x ${k} -> ${n.join(", ")}, ${precision} products, ${dtype} weights`;
        const xs = numbers(m * k);
        const x = input(xs);
        const ws = n.map((width) => stored(numbers(width * k)));
        const dys = n.map((width) => numbers(m * width));
        const alphas = n.map((_, i) => [1, 1, 0.7][i % 3]!);

        it(`forward ${shape}`, () => {
          const biases = n.map((width) => numbers(width));
          const starts = n.map((width) => numbers(m * width));
          const outputs = onBoth((device) => {
            const ys = starts.map((start) => upload(device, start));
            const members = n.flatMap((width, i) => [
              upload(device, ws[i]!, dtype),
              k,
              dtypeCode[dtype],
              width,
              i === 1 ? null : upload(device, biases[i]!),
              i % 2 ? ys[i]! : null,
              width,
              ys[i]!,
              width,
              alphas[i]!,
            ]);
            device.launch("linear_forward", [upload(device, xs), m, k, k, code, n.length, ...members]);
            return ys;
          });
          n.forEach((width, i) => {
            const w = input(ws[i]!);
            const { sum, size } = product(
              m,
              width,
              k,
              (r, t) => x[r * k + t]!,
              (j, t) => w[j * k + t]!,
            );
            const expected = sum.map(
              (value, at) =>
                (i % 2 ? starts[i]![at]! : 0) +
                Math.fround(alphas[i]!) * value +
                (i === 1 ? 0 : biases[i]![at % width]!),
            );
            expectClose(outputs[i]!, expected, size, `y${i}`);
          });
        });

        it(`backward to the input ${shape}`, () => {
          for (const accumulate of [0, 1]) {
            const start = numbers(m * k);
            const [dx] = onBoth((device) => {
              const view = upload(device, start);
              const members = n.flatMap((width, i) => [
                upload(device, dys[i]!),
                width,
                upload(device, ws[i]!, dtype),
                k,
                dtypeCode[dtype],
                width,
                0,
                alphas[i]!,
              ]);
              device.launch("linear_backward_input", [
                view,
                m,
                k,
                k,
                code,
                accumulate ? view : null,
                k,
                n.length,
                ...members,
              ]);
              return [view];
            });
            const expected = accumulate ? start.slice() : new Float64Array(m * k);
            const sizes = new Float64Array(m * k);
            n.forEach((width, i) => {
              const dy = input(dys[i]!);
              const w = input(ws[i]!);
              const { sum, size } = product(
                m,
                k,
                width,
                (r, t) => dy[r * width + t]!,
                (j, t) => w[t * k + j]!,
              );
              for (let at = 0; at < sum.length; at++) {
                expected[at]! += Math.fround(alphas[i]!) * sum[at]!;
                sizes[at]! += size[at]!;
              }
            });
            expectClose(dx!, expected, sizes, "dx");
          }
        });

        if (dtype === "bf16") continue;
        it(`backward to the weight ${shape}`, () => {
          const starts = n.map((width) => numbers(width * k));
          const biasStarts = n.map((width) => numbers(width));
          const outputs = onBoth((device) => {
            const dws = starts.map((start) => upload(device, start));
            const dbs = biasStarts.map((start) => upload(device, start));
            const members = n.flatMap((width, i) => [
              upload(device, dys[i]!),
              width,
              width,
              i === 1 ? null : dws[i]!,
              i === 2 ? null : dbs[i]!,
              alphas[i]!,
            ]);
            device.launch("linear_backward_weight", [upload(device, xs), m, k, k, code, n.length, ...members]);
            return [...dws, ...dbs];
          });
          n.forEach((width, i) => {
            const dy = input(dys[i]!);
            const { sum, size } = product(
              width,
              k,
              m,
              (r, t) => dy[t * width + r]!,
              (j, t) => x[t * k + j]!,
            );
            const alpha = i === 1 ? 0 : Math.fround(alphas[i]!);
            expectClose(
              outputs[i]!,
              sum.map((value, at) => starts[i]![at]! + alpha * value),
              size,
              `dw${i}`,
            );
            const ones = product(
              1,
              width,
              i === 2 ? 0 : m,
              () => 1,
              (j, t) => dys[i]![t * width + j]!,
            );
            const db = ones.sum.map((value, at) => biasStarts[i]![at]! + value);
            expectClose(outputs[n.length + i]!, db, ones.size, `db${i}`);
          });
        });
      }
    }
  }
});
