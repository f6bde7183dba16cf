import { encodeBf16 } from "../../device/bf16.ts";
import { empty, rows, type Tensor } from "../../tensor/tensor.ts";
import { type HostTensor, normal, type OpCase } from "../op-case.ts";
import { transposeInto } from "../transpose/transpose.ts";
import { linears } from "./linear.ts";
import { matrix } from "./products.ts";

function rounded({ values, shape }: HostTensor): HostTensor {
  return { values: encodeBf16(values as Float32Array), shape };
}

/** A weight [out, in] with rows to spare. */
function withRoom({ values, shape }: HostTensor, room: number): HostTensor {
  const [height, width] = shape as [number, number];
  return { values: Float32Array.of(...values, ...new Float32Array(room * width)), shape: [height + room, width] };
}

function transposed(weight: Tensor): Tensor {
  const [height, width] = weight.shape as [number, number];
  const y = empty(weight.device, [width, height], weight.dtype);
  transposeInto(weight.device, matrix(y), matrix(weight));
  return y;
}

const plain: OpCase[] = [
  [1, 7, 5],
  [3, 33, 17],
  [70, 64, 48],
  [37, 130, 257],
].map(([m, k, n]) => ({
  name: `linear ${m}x${k}->${n} with bias`,
  inputs: { x: normal([m!, k!], 1), weight: normal([n!, k!], 2, 0.1), bias: normal([n!], 3) },
  activations: ["x"],
  parameters: ["weight", "bias"],
  run: ({ x, weight, bias }) => linears(x!, [{ weight: weight!, bias: bias! }]),
}));

export const linearCases: readonly OpCase[] = [
  ...plain,
  {
    name: "linear group of three, one with an adapter, bf16 weight",
    inputs: {
      x: normal([19, 40], 1),
      q: rounded(normal([24, 40], 2, 0.1)),
      k: normal([9, 40], 3, 0.1),
      v: normal([9, 40], 4, 0.1),
      a: normal([4, 40], 5, 0.1),
      b: normal([24, 4], 6, 0.1),
    },
    activations: ["x"],
    parameters: ["k", "a", "b"],
    run: ({ x, q, k, v, a, b }) =>
      linears(x!, [{ weight: q!, adapter: { a: a!, b: b!, scale: 2 } }, { weight: k! }, { weight: v! }]),
  },
  {
    name: "linear group of two with adapters whose A's lie side by side",
    inputs: {
      x: normal([23, 40], 1),
      gate: rounded(normal([24, 40], 2, 0.1)),
      up: rounded(normal([16, 40], 3, 0.1)),
      a: normal([12, 40], 5, 0.1),
      bOfGate: normal([24, 8], 6, 0.1),
      bOfUp: normal([16, 4], 7, 0.1),
    },
    activations: ["x"],
    likeActivations: ["a"],
    parameters: ["bOfGate", "bOfUp"],
    run: ({ x, gate, up, a, bOfGate, bOfUp }) =>
      linears(x!, [
        { weight: gate!, adapter: { a: rows(a!, 0, 8), b: bOfGate!, scale: 2 } },
        { weight: up!, adapter: { a: rows(a!, 8, 12), b: bOfUp!, scale: 0.5 } },
      ]),
  },
  {
    name: "linear adapter in rows below its weight",
    inputs: {
      x: normal([23, 40], 1),
      down: withRoom(normal([24, 40], 2, 0.1), 8),
      a: normal([8, 40], 5, 0.1),
      b: normal([24, 8], 6, 0.1),
      bias: normal([24], 8),
    },
    activations: ["x"],
    likeActivations: ["down"],
    parameters: ["a", "b"],
    run: ({ x, down, a, b, bias }) =>
      linears(x!, [{ weight: { shape: [24, 40], held: down! }, bias: bias!, adapter: { a: a!, b: b!, scale: 2 } }]),
  },
  {
    name: "linear adapter in rows below its weight, which is kept transposed too",
    inputs: {
      x: normal([23, 40], 1),
      down: withRoom(normal([24, 40], 2, 0.1), 8),
      a: normal([8, 40], 5, 0.1),
      b: normal([24, 8], 6, 0.1),
    },
    activations: ["x"],
    parameters: ["a", "b"],
    likeActivations: ["down"],
    run: ({ x, down, a, b }) =>
      linears(x!, [
        {
          weight: { shape: [24, 40], held: down!, transposed: transposed(down!) },
          adapter: { a: a!, b: b!, scale: 2 },
        },
      ]),
  },
  {
    name: "linear group of two that are kept transposed too, one with an adapter",
    inputs: {
      x: normal([23, 40], 1),
      q: normal([24, 40], 2, 0.1),
      k: normal([16, 40], 3, 0.1),
      a: normal([8, 40], 5, 0.1),
      b: normal([24, 8], 6, 0.1),
    },
    activations: ["x"],
    parameters: ["a", "b"],
    likeActivations: ["q", "k"],
    run: ({ x, q, k, a, b }) =>
      linears(x!, [
        { weight: { shape: [24, 40], held: q!, transposed: transposed(q!) }, adapter: { a: a!, b: b!, scale: 2 } },
        { weight: { shape: [16, 40], held: k!, transposed: transposed(k!) } },
      ]),
  },
  {
    name: "linear with room that nothing uses",
    inputs: { x: normal([5, 40], 1), weight: withRoom(normal([24, 40], 2, 0.1), 8) },
    activations: ["x"],
    likeActivations: ["weight"],
    parameters: [],
    run: ({ x, weight }) => linears(x!, [{ weight: { shape: [24, 40], held: weight! } }]),
  },
  {
    name: "linear adapter with its own input",
    inputs: {
      x: normal([21, 33], 1),
      dropped: normal([21, 33], 7),
      weight: normal([35, 33], 2, 0.1),
      a: normal([8, 33], 5, 0.1),
      b: normal([35, 8], 6, 0.1),
    },
    activations: ["x", "dropped"],
    parameters: ["a", "b"],
    run: ({ x, dropped, weight, a, b }) =>
      linears(x!, [{ weight: weight!, adapter: { a: a!, b: b!, scale: 0.5, input: dropped! } }]),
  },
];
