import { encodeBf16 } from "../../device/bf16.ts";
import { zeros } from "../../tensor/tensor.ts";
import { type HostTensor, normal, type OpCase } from "../op-case.ts";
import { adaptedNorms, doraLinear, rescale } from "./dora.ts";

/** Lengths: not below a half. */
function positive(shape: readonly number[], seed: number): HostTensor {
  const { values } = normal(shape, seed);
  return { shape, values: Float32Array.from(values, (value) => 0.5 + Math.abs(value)) };
}

function rounded({ values, shape }: HostTensor): HostTensor {
  return { shape, values: encodeBf16(values as Float32Array) };
}

const rescaling: OpCase[] = [
  [1, 7],
  [37, 33],
  [300, 130],
].map(([m, n]) => ({
  name: `dora rescale ${m}x${n}`,
  inputs: {
    z: normal([m!, n!], 1),
    start: normal([m!, n!], 2),
    magnitude: positive([n!], 3),
    norms: positive([n!], 4),
    bias: normal([n!], 5),
  },
  activations: ["z", "start"],
  parameters: ["magnitude", "bias"],
  run: ({ z, start, magnitude, norms, bias }) =>
    rescale(z!, { magnitude: magnitude!, norms: norms!, bias: bias!, start: start! }),
}));

const layer = {
  x: normal([19, 40], 1),
  d: normal([19, 40], 2),
  weight: normal([26, 40], 3, 0.3),
  a: normal([4, 40], 4, 0.2),
  b: normal([26, 4], 5, 0.2),
  magnitude: positive([26], 6),
  bias: normal([26], 7),
};

export const doraCases: readonly OpCase[] = [
  ...rescaling,
  {
    name: "dora norms of rows, of f32 and bf16 weights with room below",
    inputs: { ...layer, room: normal([30, 40], 8), small: rounded(normal([26, 40], 9)) },
    activations: [],
    parameters: [],
    run: ({ weight, room, small, a, b }) => {
      const factors = { a: a!, b: b!, scale: 1.5 };
      const held = { shape: [26, 40], held: room! };
      return [adaptedNorms(weight!, factors), adaptedNorms(held, factors), adaptedNorms(small!, factors)];
    },
  },
  {
    name: "dora of a row of zeros",
    inputs: { z: normal([3, 5], 1), magnitude: positive([5], 2) },
    activations: ["z"],
    parameters: ["magnitude"],
    run: ({ z, magnitude }) => rescale(z!, { magnitude: magnitude!, norms: zeros(z!.device, [5]) }),
  },
  // The norms are no part of the gradient, which is why those of a and b are not compared with differences here.
  {
    name: "dora layer",
    inputs: layer,
    activations: ["x"],
    parameters: ["magnitude", "bias"],
    run: ({ x, weight, a, b, magnitude, bias }) =>
      doraLinear(x!, { weight: weight!, bias: bias!, adapter: { a: a!, b: b!, scale: 2 } }, magnitude!),
  },
  {
    name: "dora layer whose adapter has its own input",
    inputs: layer,
    activations: ["x", "d"],
    parameters: ["magnitude", "bias"],
    run: ({ x, d, weight, a, b, magnitude, bias }) =>
      doraLinear(x!, { weight: weight!, bias: bias!, adapter: { a: a!, b: b!, scale: 2, input: d! } }, magnitude!),
  },
];
