import { empty, fromHost, type Tensor, zeros } from "../../tensor/tensor.ts";
import { cast } from "../cast/cast.ts";
import { dynamicMap, MAP_BLOCK } from "../dynamic-map.ts";
import { normal, type OpCase } from "../op-case.ts";
import { adamw8bit, type QuantizedMoments } from "./adamw-8bit.ts";

export const adamw8bitCases: readonly OpCase[] = [1, 300, 40_007].flatMap((length) => {
  const shared = {
    inputs: { p: normal([length], 1), g1: normal([length], 2), g2: normal([length], 3), g3: normal([length], 4) },
    activations: [],
    parameters: [],
  };
  // A moment within a rounding of the middle between two codes may get either.
  const oneCode = 1.5 / 255;
  return [
    {
      ...shared,
      name: `adamw-8bit ${length}`,
      tolerance: 1e-4,
      toleranceBf16: 1e-4,
      run: (inputs) => {
        const { absmax1, absmax2 } = threeSteps(inputs);
        return [inputs.p!, absmax1, absmax2];
      },
    },
    {
      ...shared,
      name: `adamw-8bit ${length}, codes`,
      tolerance: oneCode,
      toleranceBf16: oneCode,
      run: (inputs) => {
        const { state1, state2 } = threeSteps(inputs);
        return [state1, state2];
      },
    },
    {
      ...shared,
      name: `adamw-8bit ${length} in bf16`,
      tolerance: 2 ** -7,
      run: (inputs) => {
        const narrow = Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, cast(x, "bf16")]));
        const { absmax1, absmax2 } = threeSteps(narrow);
        return [cast(narrow.p!, "f32"), absmax1, absmax2];
      },
    },
    {
      ...shared,
      name: `adamw-8bit ${length} with a rounded copy`,
      tolerance: 2 ** -8,
      run: (inputs) => {
        const rounded = empty(inputs.p!.device, inputs.p!.shape, "bf16");
        threeSteps(inputs, rounded);
        return cast(rounded, "f32");
      },
    },
  ] satisfies OpCase[];
});

function threeSteps({ p, g1, g2, g3 }: Readonly<Record<string, Tensor>>, rounded?: Tensor): QuantizedMoments {
  const { device, length } = p!;
  const blocks = Math.ceil(length / MAP_BLOCK);
  const moments = {
    state1: zeros(device, [length], "u8"),
    state2: zeros(device, [length], "u8"),
    absmax1: zeros(device, [blocks]),
    absmax2: zeros(device, [blocks]),
  };
  const maps = { map1: fromHost(device, dynamicMap("signed")), map2: fromHost(device, dynamicMap("unsigned")) };
  const settings = { learningRate: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, gradientScale: 0.5 };
  [g1!, g2!, g3!].forEach((gradient, i) => {
    adamw8bit(p!, gradient, moments, maps, { ...settings, step: i + 1, seed: i * 77 }, rounded);
  });
  return moments;
}
