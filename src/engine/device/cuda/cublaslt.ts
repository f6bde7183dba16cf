/** cuBLASLt's functions, as far as they are used, and the names of its headers. */
import type { LibraryHandle } from "koffi";
import type { DType } from "../device.ts";

/** Names of cublasLt.h and library_types.h. */
export const cublasNames = {
  R_32F: 0,
  R_16BF: 14,
  COMPUTE_32F: 68,
  DESC_TRANSA: 3,
  DESC_TRANSB: 4,
  DESC_EPILOGUE: 7,
  DESC_BIAS_POINTER: 8,
  EPILOGUE_BIAS: 4,
  OP_T: 1,
  PREFERENCE_MAX_WORKSPACE: 1,
  PREFERENCE_MIN_ALIGNMENT_A: 5,
  PREFERENCE_MIN_ALIGNMENT_B: 6,
  PREFERENCE_MIN_ALIGNMENT_C: 7,
  PREFERENCE_MIN_ALIGNMENT_D: 8,
} as const;

/** cublasLtMatmulAlgo_t, which only the library looks into. */
export const ALGORITHM_BYTES = 64;
/** cublasLtMatmulHeuristicResult_t: the algorithm, bytes of workspace, a status, waves, four reserved words. */
export const RESULT_BYTES: number = ALGORITHM_BYTES + 32;
export const STATUS_AT: number = ALGORITHM_BYTES + 8;

/** All return a status. */
type Call = (...args: unknown[]) => number;

/** Handles and device addresses are numbers; what is made is written to arrays of the host. */
export type CublasCalls = Readonly<
  Record<
    | "create"
    | "destroy"
    | "makeDescription"
    | "describe"
    | "destroyDescription"
    | "makeLayout"
    | "destroyLayout"
    | "makePreference"
    | "prefer"
    | "destroyPreference"
    | "propose"
    | "checkAlgorithm"
    | "multiply",
    Call
  >
>;

export function bindCublas(library: LibraryHandle): CublasCalls {
  const call = (name: string, parameters: readonly string[]): Call => library.func(name, "int", [...parameters]);
  const [p, n, at, i] = ["void *", "uint64", "uint64", "int"] as const; // host array, handle, device address, number
  return {
    create: call("cublasLtCreate", [p]),
    destroy: call("cublasLtDestroy", [n]),
    makeDescription: call("cublasLtMatmulDescCreate", [p, i, i]),
    describe: call("cublasLtMatmulDescSetAttribute", [n, i, p, "uint64"]),
    destroyDescription: call("cublasLtMatmulDescDestroy", [n]),
    makeLayout: call("cublasLtMatrixLayoutCreate", [p, i, "uint64", "uint64", "int64"]),
    destroyLayout: call("cublasLtMatrixLayoutDestroy", [n]),
    makePreference: call("cublasLtMatmulPreferenceCreate", [p]),
    prefer: call("cublasLtMatmulPreferenceSetAttribute", [n, i, p, "uint64"]),
    destroyPreference: call("cublasLtMatmulPreferenceDestroy", [n]),
    propose: call("cublasLtMatmulAlgoGetHeuristic", [n, n, n, n, n, n, n, i, p, p]),
    checkAlgorithm: call("cublasLtMatmulAlgoCheck", [n, n, n, n, n, n, p, p]),
    multiply: call("cublasLtMatmul", [n, n, p, at, n, at, n, p, at, n, at, n, p, at, "uint64", n]),
  };
}

/** @throws Error naming the function */
export function checkCublas(what: string, status: number): void {
  if (status !== 0) throw new Error(`${what} failed with cuBLAS status ${status}`);
}

export function cudaType(dtype: DType): number {
  if (dtype === "f32") return cublasNames.R_32F;
  if (dtype === "bf16") return cublasNames.R_16BF;
  throw new Error(`products of ${dtype} do not exist`);
}
