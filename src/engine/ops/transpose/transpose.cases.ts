import { empty } from "../../tensor/tensor.ts";
import { columnsOf, matrix } from "../linear/products.ts";
import { normal, type OpCase } from "../op-case.ts";
import { transposeInto } from "./transpose.ts";

export const transposeCases: readonly OpCase[] = [
  [1, 7],
  [33, 64],
  [150, 97],
].map(([rows, columns]) => ({
  name: `transpose ${rows}x${columns}`,
  inputs: { x: normal([rows!, columns!], 1) },
  activations: [],
  parameters: [],
  likeActivations: ["x"],
  run: ({ x }) => {
    const y = empty(x!.device, [columns! + 1, rows!], x!.dtype);
    x!.device.zero(y);
    transposeInto(x!.device, columnsOf(y, 0, rows!), matrix(x!));
    return y;
  },
}));
