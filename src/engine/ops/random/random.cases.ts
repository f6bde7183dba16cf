import { empty } from "../../tensor/tensor.ts";
import { cast } from "../cast/cast.ts";
import { normal, type OpCase } from "../op-case.ts";
import { fillNormal } from "./random.ts";

export const randomCases: readonly OpCase[] = [1, 2, 37, 70_001].flatMap((length) =>
  (["f32", "bf16"] as const).map((dtype) => ({
    name: `random normal ${length} in ${dtype}`,
    inputs: { like: normal([length], 1) },
    activations: [],
    parameters: [],
    // A value within a rounding of the middle between two bf16 values may become either.
    tolerance: dtype === "f32" ? 1e-5 : 2 ** -8,
    run: ({ like }) => {
      const y = empty(like!.device, like!.shape, dtype);
      fillNormal(y, 0x9e3779b9, 0.02);
      return cast(y, "f32");
    },
  })),
);
