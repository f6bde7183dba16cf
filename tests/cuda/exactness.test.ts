/** Packed is unpacked on CUDA; in bf16 as far as roundings allow. */
import { describe } from "node:test";
import { testClassHeadExactness } from "../helpers/class-head-exactness.ts";
import { cudaSkip, openCudaForTests } from "../helpers/cuda.ts";
import { testExactness } from "../helpers/exactness.ts";

describe("packs on CUDA", { skip: cudaSkip }, () => {
  testExactness(openCudaForTests({ precision: "f32" }), 1e-5);
  testExactness(openCudaForTests({ precision: "bf16" }), 5e-2);
  testClassHeadExactness(openCudaForTests({ precision: "f32" }), 1e-5);
});
