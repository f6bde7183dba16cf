import { zeros } from "../../tensor/tensor.ts";
import { cast } from "../cast/cast.ts";
import { type HostTensor, normal, type OpCase } from "../op-case.ts";
import { dequantizeNf4, dequantizeNf4Transposed, nf4Tensors, quantizeNf4 } from "./nf4.ts";

const shapes = [
  [3, 7],
  [1, 64],
  [37, 200],
  [300, 577],
];

const randomCases: readonly OpCase[] = shapes.flatMap((shape) =>
  [64, 6, 4096].flatMap((blockSize) =>
    [false, true].map((doubleQuant) => ({
      name: `nf4 ${shape.join("x")} blocks of ${blockSize}${doubleQuant ? ", double quantisation" : ""}`,
      inputs: { x: withExtremes(normal(shape, 1)) },
      activations: [],
      parameters: [],
      tolerance: 0,
      toleranceBf16: 0,
      run: ({ x }) => {
        const fromF32 = quantizeNf4(x!, { blockSize, doubleQuant });
        const fromBf16 = quantizeNf4(cast(x!, "bf16"), { blockSize, doubleQuant });
        return [
          dequantizeNf4(fromF32, "f32"),
          cast(dequantizeNf4(fromF32, "bf16"), "f32"),
          ...nf4Tensors(fromF32),
          ...nf4Tensors(fromBf16),
          dequantizeNf4({ ...fromF32, rounding: "bf16" }, "f32"),
          dequantizeNf4({ ...fromF32, rounding: "f16" }, "f32"),
          cast(dequantizeNf4({ ...fromF32, rounding: "f16" }, "bf16"), "f32"),
        ];
      },
    })),
  ),
);

const transposedCases: OpCase[] = [
  [70, 128],
  [37, 130],
].map(([rows, columns]) => ({
  name: `nf4 ${rows}x${columns} transposed`,
  inputs: { x: normal([rows!, columns!], 1) },
  activations: [],
  parameters: [],
  run: ({ x }) => {
    const plain = quantizeNf4(x!, { blockSize: 64, doubleQuant: false });
    const nested = quantizeNf4(x!, { blockSize: 32, doubleQuant: true });
    return [dequantizeNf4Transposed(plain, "f32"), cast(dequantizeNf4Transposed(nested, "bf16"), "f32")];
  },
}));

const zeroCase: OpCase = {
  name: "nf4 of zeros",
  inputs: { like: normal([5, 13], 1) },
  activations: [],
  parameters: [],
  run: ({ like }) => {
    const quantized = quantizeNf4(zeros(like!.device, like!.shape), { blockSize: 64, doubleQuant: true });
    return [dequantizeNf4(quantized, "f32"), ...nf4Tensors(quantized)];
  },
};

export const nf4Cases: readonly OpCase[] = [...randomCases, ...transposedCases, zeroCase];

/** A run of zeros as long as a block, and magnitudes far apart. */
function withExtremes({ values, shape }: HostTensor): HostTensor {
  return {
    values: Float32Array.from(values, (value, i) => (i >= 256 && i < 384 ? 0 : i % 97 === 0 ? value * 1e-20 : value)),
    shape,
  };
}
