import { zeros } from "../../tensor/tensor.ts";
import { cast } from "../cast/cast.ts";
import { normal, type OpCase } from "../op-case.ts";
import { sumSquares } from "./sum-squares.ts";

export const sumSquaresCases: readonly OpCase[] = [
  [1, 37],
  [64, 200_003],
].map(([small, large]) => ({
  name: `sum-squares ${small} and ${large}`,
  inputs: { small: normal([small!], 1), large: normal([large!], 2, 3) },
  activations: [],
  parameters: [],
  run: (inputs) => {
    const out = zeros(inputs.small!.device, [3]);
    sumSquares(out, 2, inputs.small!);
    sumSquares(out, 0, inputs.large!);
    sumSquares(out, 1, cast(inputs.large!, "bf16"));
    return out;
  },
}));
