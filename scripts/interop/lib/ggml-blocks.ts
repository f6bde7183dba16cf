/** Quantised blocks against those that ggml's own `ggml_quantize_chunk` makes. */
import { join } from "node:path";
import koffi from "koffi";
import { encodeGgml } from "../../../src/model/families/gguf/encode.ts";
import { type GgmlType, ggmlBytes, ggmlTypes } from "../../../src/model/files/gguf-types.ts";
import type { Comparison } from "./comparison.ts";
import { llamaCppLibraries } from "./llama-cpp.ts";

const SIGNATURE =
  "size_t ggml_quantize_chunk(int type, const float *src, _Out_ uint8_t *dst, int64_t start, int64_t rows, int64_t width, const float *matrix)";
const LIBRARIES: Readonly<Record<string, string>> = {
  linux: "libggml-base.so",
  darwin: "libggml-base.dylib",
  win32: "ggml-base.dll",
};
const WIDTH = 256;
const ROWS = 400;

export const quantizedTypes: readonly GgmlType[] = ["f16", "bf16", "q8_0", "q4_k"];

/** Ways that values may lie; each call draws one. */
export const distributions: Readonly<Record<string, () => number>> = {
  normal: () => 0.02 * normal(),
  uniform: () => random() - 0.5,
  tiny: () => 1e-6 * normal(),
  positive: () => 3 * random(),
  sparse: () => (random() < 0.05 ? normal() : 0),
  outliers: () => (random() < 0.01 ? 30 : 0.01) * normal(),
  constant: () => 0.37,
};

let quantize: ReturnType<ReturnType<typeof koffi.load>["func"]> | undefined;

/** What ggml makes of values in rows of `width`. */
export function ggmlQuantize(type: GgmlType, values: Float32Array, width: number): Uint8Array {
  // The library cannot be loaded twice.
  quantize ??= koffi.load(join(llamaCppLibraries(), LIBRARIES[process.platform]!)).func(SIGNATURE);
  const bytes = new Uint8Array(ggmlBytes(type, values.length));
  quantize(ggmlTypes[type].id, values, bytes, 0, values.length / width, width, null);
  return bytes;
}

export function compareBlocks(): Comparison[] {
  return quantizedTypes.map((type) => {
    let differing = 0;
    let bytes = 0;
    for (const draw of Object.values(distributions)) {
      const values = Float32Array.from({ length: ROWS * WIDTH }, draw);
      const expected = ggmlQuantize(type, values, WIDTH);
      const actual = encodeGgml(type, values, type);
      bytes += expected.length;
      differing += expected.filter((byte, i) => byte !== actual[i]).length;
    }
    return { what: `ggml: bytes of ${type}`, result: `${differing} of ${bytes} differ`, ok: differing === 0 };
  });
}

let state = 1;

function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

/** Box and Muller's. */
function normal(): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
