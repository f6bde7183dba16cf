import { fromHost, zeros } from "../../tensor/tensor.ts";
import { dynamicMap, MAP_BLOCK } from "../dynamic-map.ts";
import { normal, type OpCase } from "../op-case.ts";
import { adamw8bit } from "./adamw-8bit.ts";

export const adamw8bitCases: readonly OpCase[] = [1, 300, 40_007].map((length) => ({
  name: `adamw-8bit ${length}`,
  inputs: { p: normal([length], 1), g1: normal([length], 2), g2: normal([length], 3), g3: normal([length], 4) },
  activations: [],
  parameters: [],
  run: ({ p, g1, g2, g3 }) => {
    const { device } = p!;
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
      adamw8bit(p!, gradient, moments, maps, { ...settings, step: i + 1 });
    });
    return [p!, moments.state1, moments.state2, moments.absmax1, moments.absmax2];
  },
}));
