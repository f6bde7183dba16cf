/** How near each kernel comes to what the machine can do: arithmetic of a large product, bandwidth of a large copy. */

import { Random } from "../src/base/random.ts";
import { encodeBf16 } from "../src/engine/device/bf16.ts";
import type { Device } from "../src/engine/device/device.ts";
import { openDevice } from "../src/engine/open-device.ts";
import { attention } from "../src/engine/ops/attention/attention.ts";
import { linearCrossEntropy } from "../src/engine/ops/cross-entropy/cross-entropy.ts";
import { gated } from "../src/engine/ops/gated/gated.ts";
import { linear, linears } from "../src/engine/ops/linear/linear.ts";
import { rmsnorm } from "../src/engine/ops/rmsnorm/rmsnorm.ts";
import { scope } from "../src/engine/tensor/scope.ts";
import { Tape } from "../src/engine/tensor/tape.ts";
import { empty, fromHost, type Shape, type Tensor } from "../src/engine/tensor/tensor.ts";
import type { Benchmark } from "./harness/benchmark.ts";
import { LaunchTimes } from "./harness/launch-times.ts";
import { median } from "./harness/statistics.ts";

/** What a kernel must do at least: operations, and bytes read and written. */
interface Work {
  readonly flops: number;
  readonly bytes: number;
}

interface Case {
  readonly name: string;
  /** By kernel. */
  readonly work: Readonly<Record<string, Work>>;
  readonly run: () => void;
}

export const kernels: Benchmark = {
  question: "How near do the kernels come to the machine's arithmetic and bandwidth?",
  async run({ threads, rounds, print }) {
    const { device } = await openDevice({ threads });
    print(device.description);
    const peak = scope(() => largestProduct(device, rounds));
    const bandwidth = scope(() => copyBandwidth(device, rounds));
    print(
      `  a product of 2048 x 2048 x 2048: ${(peak / 1e9).toFixed(0)} GFLOP/s, a copy: ${(bandwidth / 1e9).toFixed(1)} GB/s`,
    );
    const times = new LaunchTimes(device);
    const results: object[] = [];
    scope(() => {
      for (const { name, work, run } of cases(device)) {
        run();
        times.take();
        for (let i = 0; i < 4 * rounds; i++) run();
        for (const [kernel, seconds] of times.take()) {
          const least = work[kernel];
          if (least === undefined) continue;
          const time = median(seconds);
          const [flops, bytes] = [least.flops / time, least.bytes / time];
          results.push({ name, kernel, milliseconds: time * 1000, flops, bytes });
          print(
            `  ${`${kernel} ${name}`.padEnd(64)} ${(time * 1000).toFixed(3).padStart(8)} ms ` +
              `${(flops / 1e9).toFixed(0).padStart(6)} GFLOP/s ${share(flops, peak)}  ` +
              `${(bytes / 1e9).toFixed(1).padStart(6)} GB/s ${share(bytes, bandwidth)}`,
          );
        }
      }
    });
    device.close();
    return { passed: true, json: { device: device.description, peak, bandwidth, results } };
  },
};

function share(value: number, whole: number): string {
  return `${((100 * value) / whole).toFixed(0).padStart(4)} %`;
}

/** Shapes of fettle-nano: 1,024 tokens, width 256, 8 heads and 4 of keys and values with 32 each, 8,192 entries. */
function cases(device: Device): Case[] {
  const [tokens, width, inner, vocabulary] = [1024, 256, 512, 8192];
  const [heads, kvHeads, headDim] = [8, 4, 32];
  const x = randomTensor(device, [tokens, width]);
  const products = (name: string, members: readonly Tensor[]): Case => {
    const [inputs, columns] = [members[0]!.shape[1]!, members.reduce((sum, { shape }) => sum + shape[0]!, 0)];
    const input = randomTensor(device, [tokens, inputs]);
    const weightBytes = members[0]!.dtype === "bf16" ? 2 : 4;
    const flops = 2 * tokens * inputs * columns;
    const activations = 4 * tokens * (inputs + columns);
    return {
      name: `${tokens} x ${inputs} x ${columns}, ${name}`,
      work: {
        linear_forward: { flops, bytes: activations + weightBytes * inputs * columns },
        linear_backward_input: { flops, bytes: activations + weightBytes * inputs * columns },
        linear_backward_weight: { flops, bytes: activations + 8 * inputs * columns },
      },
      run: () =>
        forwardAndBackward([input], () =>
          linears(
            input,
            members.map((weight) => ({ weight })),
          ),
        ),
    };
  };
  const frozen = (shape: Shape): Tensor => randomTensor(device, shape, "bf16");
  const trained = (shape: Shape): Tensor => trainable(randomTensor(device, shape));
  return [
    products(
      "q, k, v, bf16",
      [
        [256, width],
        [128, width],
        [128, width],
      ].map(frozen),
    ),
    products(
      "q, k, v, trained",
      [
        [256, width],
        [128, width],
        [128, width],
      ].map(trained),
    ),
    products("gate, up, bf16", [frozen([inner, width]), frozen([inner, width])]),
    products("gate, up, trained", [trained([inner, width]), trained([inner, width])]),
    products("down, bf16", [frozen([width, inner])]),
    products("down, trained", [trained([width, inner])]),
    products("LoRA A, trained", [trained([16, width])]),
    products("LoRA B, trained", [trained([inner, 16])]),
    ...[tokens, 64].map((rows) => attentionCase(device, { tokens, rows, heads, kvHeads, headDim })),
    normCase(x),
    gatedCase(device, tokens, inner),
    headCase(device, { rows: 96, width, vocabulary }),
  ];
}

/** Rows of `rows` tokens side by side. */
function attentionCase(
  device: Device,
  {
    tokens,
    rows,
    heads,
    kvHeads,
    headDim,
  }: { tokens: number; rows: number; heads: number; kvHeads: number; headDim: number },
): Case {
  const q = randomTensor(device, [tokens, heads * headDim]);
  const [k, v] = [randomTensor(device, [tokens, kvHeads * headDim]), randomTensor(device, [tokens, kvHeads * headDim])];
  const every = (value: (token: number) => number): Tensor =>
    fromHost(
      device,
      Int32Array.from({ length: tokens }, (_, token) => value(token)),
    );
  const position = every((token) => token % rows);
  const layout = {
    index: every((token) => token),
    expiry: every((token) => (Math.floor(token / rows) + 1) * rows),
    queryPosition: position,
    keyPosition: position,
  };
  const visible = (tokens / rows) * ((rows * (rows + 1)) / 2);
  const product = 2 * visible * heads * headDim;
  const bytes = 4 * tokens * headDim * 2 * (heads + kvHeads);
  return {
    name: `${tokens / rows} rows of ${rows}, ${heads} and ${kvHeads} heads of ${headDim}`,
    work: {
      attention_forward: { flops: 2 * product, bytes },
      attention_backward: { flops: 5 * product, bytes: 2 * bytes },
    },
    run: () =>
      forwardAndBackward([q, k, v], () => [
        attention(q, k, v, layout, { heads, kvHeads, headDim, scale: headDim ** -0.5 }),
      ]),
  };
}

function normCase(x: Tensor): Case {
  const weight = trainable(randomTensor(x.device, [x.shape[1]!]));
  return {
    name: x.shape.join(" x "),
    work: {
      rmsnorm_forward: { flops: 4 * x.length, bytes: 8 * x.length },
      rmsnorm_backward: { flops: 8 * x.length, bytes: 12 * x.length },
    },
    run: () => forwardAndBackward([x], () => [rmsnorm(x, weight, 1e-6)]),
  };
}

function gatedCase(device: Device, tokens: number, inner: number): Case {
  const [gate, up] = [randomTensor(device, [tokens, inner]), randomTensor(device, [tokens, inner])];
  return {
    name: `${tokens} x ${inner}, silu`,
    work: {
      gated_forward: { flops: 5 * gate.length, bytes: 12 * gate.length },
      gated_backward: { flops: 10 * gate.length, bytes: 20 * gate.length },
    },
    run: () => forwardAndBackward([gate, up], () => [gated(gate, up, "silu")]),
  };
}

/** The loss of supervised rows alone, with the head's products. */
function headCase(
  device: Device,
  { rows, width, vocabulary }: { rows: number; width: number; vocabulary: number },
): Case {
  const [hidden, head] = [randomTensor(device, [rows, width]), trainable(randomTensor(device, [vocabulary, width]))];
  const targets = fromHost(
    device,
    Int32Array.from({ length: rows }, (_, i) => i),
  );
  const weights = fromHost(device, new Float32Array(rows).fill(1));
  const flops = 2 * rows * width * vocabulary;
  const bytes = 4 * (rows * width + rows * vocabulary + width * vocabulary);
  return {
    name: `${rows} x ${width} x ${vocabulary}, head`,
    work: {
      linear_forward: { flops, bytes },
      cross_entropy: { flops: 4 * rows * vocabulary, bytes: 8 * rows * vocabulary },
      linear_backward_input: { flops, bytes },
      linear_backward_weight: { flops, bytes: bytes + 4 * width * vocabulary },
    },
    run: () => forwardAndBackward([hidden], () => [linearCrossEntropy(hidden, head, targets, weights, 1 / rows)]),
  };
}

function forwardAndBackward(inputs: readonly Tensor[], forward: () => readonly Tensor[]): void {
  scope(() => {
    const tape = new Tape();
    for (const input of inputs) tape.track(input);
    // Any numbers do as the outputs' gradients: the outputs themselves.
    tape.backward(tape.run(forward).map((output) => [output, output] as const));
  });
}

/** Operations in a second. */
function largestProduct(device: Device, rounds: number): number {
  const size = 2048;
  const [x, weight] = [randomTensor(device, [size, size]), randomTensor(device, [size, size], device.precision)];
  return (2 * size ** 3) / fastest(rounds, () => scope(() => linear(x, weight)));
}

/** Bytes read and written in a second, out of buffers that no cache holds. */
function copyBandwidth(device: Device, rounds: number): number {
  const shape = [64 * 2 ** 20];
  const [from, to] = [empty(device, shape), empty(device, shape)];
  device.zero(from);
  return (2 * 4 * from.length) / fastest(rounds, () => device.copy(from, to));
}

/** Seconds of the fastest of several runs, after one that is not counted: what the machine can do undisturbed. */
function fastest(rounds: number, run: () => void): number {
  run();
  const seconds = Array.from({ length: rounds }, () => {
    const begin = performance.now();
    run();
    return (performance.now() - begin) / 1000;
  });
  return Math.min(...seconds);
}

function randomTensor(device: Device, shape: Shape, dtype: "f32" | "bf16" = "f32"): Tensor {
  const random = new Random(1);
  const values = Float32Array.from(
    { length: shape.reduce((product, size) => product * size, 1) },
    () => random.uniform() - 0.5,
  );
  return fromHost(device, dtype === "bf16" ? encodeBf16(values) : values, shape);
}

function trainable(tensor: Tensor): Tensor {
  tensor.trainable = true;
  return tensor;
}
