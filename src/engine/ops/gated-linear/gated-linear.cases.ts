import type { Tensor } from "../../tensor/tensor.ts";
import type { Activation } from "../activation/activation.ts";
import type { CompressedWeight, LinearMember, Weight } from "../linear/group.ts";
import { dequantizeNf4, dequantizeNf4Transposed, quantizeNf4 } from "../nf4/nf4.ts";
import { type HostTensor, normal, type OpCase } from "../op-case.ts";
import { gatedLinear } from "./gated-linear.ts";

interface Variation {
  readonly title: string;
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Of the adapters of gate and up; undefined: none. */
  readonly ranks: readonly (number | undefined)[];
  readonly activation: Activation;
  /** Besides x; default: A's and B's. */
  readonly parameters?: readonly string[];
  readonly biases?: boolean;
  /** Adapters read an input of their own, as after dropout. */
  readonly dropped?: boolean;
  readonly weight?: (weight: Tensor, x: Tensor) => Weight;
}

const names = ["gate", "up"] as const;

function caseOf(variation: Variation): OpCase {
  const { title, rows, inputs, outputs, ranks, activation, biases = false, dropped = false } = variation;
  const tensors: Record<string, HostTensor> = { x: normal([rows, inputs], 1) };
  const adapters: string[] = [];
  if (dropped) tensors.dropped = normal([rows, inputs], 2);
  names.forEach((name, i) => {
    tensors[name] = normal([outputs, inputs], 3 + i, 0.2);
    if (biases) tensors[`${name}Bias`] = normal([outputs], 5 + i);
    const rank = ranks[i];
    if (rank === undefined) return;
    tensors[`${name}A`] = normal([rank, inputs], 7 + i, 0.2);
    tensors[`${name}B`] = normal([outputs, rank], 9 + i, 0.2);
    adapters.push(`${name}A`, `${name}B`);
  });
  return {
    name: `gated-linear ${title}`,
    inputs: tensors,
    activations: dropped ? ["x", "dropped"] : ["x"],
    parameters: variation.parameters ?? adapters,
    run: (placed) => {
      const members = names.map((name, i): LinearMember => {
        const weight = placed[name]!;
        const [a, b, input] = [placed[`${name}A`], placed[`${name}B`], placed.dropped];
        return {
          weight: variation.weight?.(weight, placed.x!) ?? weight,
          bias: placed[`${name}Bias`],
          adapter: a && b && { a, b, scale: 0.5 + i, ...(input && { input }) },
        };
      });
      return gatedLinear(placed.x!, members[0]!, members[1]!, activation);
    },
  };
}

function compressed(weight: Tensor, x: Tensor): CompressedWeight {
  const quantized = quantizeNf4(weight, { blockSize: 64, doubleQuant: false });
  return {
    shape: weight.shape,
    materialise: (room) => dequantizeNf4(quantized, x.device.activations, room),
    materialiseTransposed: (room) => dequantizeNf4Transposed(quantized, x.device.activations, room),
  };
}

const small = { rows: 37, inputs: 24, outputs: 40, ranks: [8, 8], activation: "silu" } as const;

export const gatedLinearCases: readonly OpCase[] = [
  { ...small, title: "without adapters", ranks: [], parameters: ["gate", "up"] } as const,
  { ...small, title: "rank 4", ranks: [4, 4] } as const,
  { ...small, title: "rank 8" },
  { ...small, title: "rank 16, one row", ranks: [16, 16], rows: 1 } as const,
  {
    ...small,
    title: "rank 16, several blocks of rows and of columns",
    ranks: [16, 16],
    rows: 203,
    outputs: 1032,
  } as const,
  { ...small, title: "rank 32, gelu", ranks: [32, 32], rows: 70, outputs: 296, activation: "gelu" } as const,
  { ...small, title: "ranks 8 and 24, gelu by tanh", ranks: [8, 24], activation: "gelu_pytorch_tanh" } as const,
  { ...small, title: "ranks 40 and 24", ranks: [40, 24] } as const,
  { ...small, title: "ranks 8 and 64", ranks: [8, 64] } as const,
  { ...small, title: "an adapter of gate alone", ranks: [16] } as const,
  { ...small, title: "an adapter of up alone", ranks: [undefined, 8] } as const,
  { ...small, title: "odd width", outputs: 33 },
  {
    ...small,
    title: "biases and weights trained",
    biases: true,
    parameters: ["gate", "up", "gateBias", "upBias", "upA"],
  },
  { ...small, title: "frozen A of gate and B of up", parameters: ["gateB", "upA"] },
  { ...small, title: "adapters with an input of their own", dropped: true },
  { ...small, title: "compressed weights", weight: compressed },
].map(caseOf);
