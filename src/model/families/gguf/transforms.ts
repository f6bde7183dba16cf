/** Changes of a tensor's values on their way to llama.cpp. Rows are the first axis. */

export type Transform = (values: Float32Array) => Float32Array;

/** Adds to every value: for norms that store their distance from 1. */
export function shifted(by: number): Transform {
  return (values) => values.map((value) => value + by);
}

export function scaled(by: number): Transform {
  return (values) => values.map((value) => value * by);
}

/** One after the other; undefined are left out. */
export function inTurn(...transforms: readonly (Transform | undefined)[]): Transform {
  return (values) => transforms.reduce((given, transform) => transform?.(given) ?? given, values);
}

/** Row i of the result is row `source[i]`. */
export function reordered(source: readonly number[]): Transform {
  return (values) => {
    const width = values.length / source.length;
    const result = new Float32Array(values.length);
    source.forEach((row, i) => {
      result.set(values.subarray(row * width, (row + 1) * width), i * width);
    });
    return result;
  };
}

/**
 * Rows of each head in the order 0, n/2, 1, n/2 + 1, …: the rotation turns neighbours in llama.cpp, and in transformers rows
 * at half a head's distance.
 */
export function interleavedHalves(heads: number, headDim: number): Transform {
  return reordered(
    Array.from({ length: heads * headDim }, (_, i) => {
      const [head, at] = [Math.floor(i / headDim), i % headDim];
      return head * headDim + (at % 2) * (headDim / 2) + Math.floor(at / 2);
    }),
  );
}

/** Rows of q, k and v that lie together by head, as all q, all k, all v. */
export function groupedByKind(heads: number, headDim: number): Transform {
  return reordered(
    Array.from({ length: 3 * heads * headDim }, (_, i) => {
      const kind = Math.floor(i / (heads * headDim));
      const head = Math.floor(i / headDim) % heads;
      return (head * 3 + kind) * headDim + (i % headDim);
    }),
  );
}
