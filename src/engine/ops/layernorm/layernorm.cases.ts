import { normal, type OpCase } from "../op-case.ts";
import { layernorm } from "./layernorm.ts";

export const layernormCases: readonly OpCase[] = [
  { rows: 3, width: 8, bias: true, needs: "everything" },
  { rows: 7, width: 33, bias: true, needs: "everything" },
  { rows: 5, width: 24, bias: false, needs: "everything" },
  { rows: 700, width: 64, bias: true, needs: "everything" },
  { rows: 3, width: 5003, bias: true, needs: "everything" },
  { rows: 130, width: 256, bias: true, needs: "x" },
  { rows: 130, width: 257, bias: true, needs: "parameters" },
].map(({ rows, width, bias, needs }) => {
  // Far from 0, where the mean matters.
  const x = normal([rows, width], 1);
  const inputs = {
    x: { shape: x.shape, values: (x.values as Float32Array).map((value) => value + 3) },
    weight: normal([width], 2, 0.3),
    ...(bias && { bias: normal([width], 3) }),
  };
  return {
    name: `layernorm ${rows}x${width}${bias ? "" : ", no bias"}, gradient of ${needs}`,
    inputs,
    activations: needs === "parameters" ? [] : ["x"],
    parameters: needs === "x" ? [] : ["weight", ...(bias ? ["bias"] : [])],
    run: (given) => layernorm(given.x!, given.weight!, given.bias, 1e-5),
  } satisfies OpCase;
});
