/** Quantised blocks against those that ggml's own `ggml_quantize_chunk` makes. */
import { join } from "node:path";
import koffi from "koffi";
import { encodeGgml } from "../../../src/model/families/gguf/encode.ts";
import { type GgmlType, ggmlBytes, ggmlTypes } from "../../../src/model/files/gguf-types.ts";
import type { Comparison } from "./comparison.ts";
import { llamaCppLibraries } from "./llama-cpp.ts";

const SIGNATURE =
  "size_t ggml_quantize_chunk(int type, const float *src, _Out_ uint8_t *dst, int64_t start, int64_t rows, int64_t width, const float *matrix)";
const WIDTH = 256;
const ROWS = 400;

/** How values may lie. */
const distributions: Readonly<Record<string, (random: () => number) => number>> = {
  normal: (random) => 0.02 * normal(random),
  uniform: (random) => random() - 0.5,
  tiny: (random) => 1e-6 * normal(random),
  positive: (random) => 3 * random(),
  sparse: (random) => (random() < 0.05 ? normal(random) : 0),
  outliers: (random) => (random() < 0.01 ? 30 : 0.01) * normal(random),
  constant: () => 0.37,
};

export function compareBlocks(): Comparison[] {
  const name = { linux: "libggml-base.so", darwin: "libggml-base.dylib", win32: "ggml-base.dll" }[
    process.platform as string
  ];
  const library = koffi.load(join(llamaCppLibraries(), name!));
  const quantize = library.func(SIGNATURE);
  return (["f16", "bf16", "q8_0", "q4_k"] satisfies GgmlType[]).map((type) => {
    let differing = 0;
    let bytes = 0;
    for (const draw of Object.values(distributions)) {
      const values = Float32Array.from({ length: ROWS * WIDTH }, () => draw(random));
      const expected = new Uint8Array(ggmlBytes(type, values.length));
      quantize(ggmlTypes[type].id, values, expected, 0, ROWS, WIDTH, null);
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
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
