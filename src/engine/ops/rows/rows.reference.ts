import type { Floats } from "../../device/reference/reference-device.ts";

export const rowsReference = {
  gather_rows(
    y: Floats,
    x: Floats,
    _dtype: number,
    index: Int32Array,
    count: number,
    width: number,
    scale: number,
  ): void {
    for (let i = 0; i < count; i++) {
      const from = index[i]! * width;
      for (let j = 0; j < width; j++) y[i * width + j] = scale * x[from + j]!;
    }
  },

  scatter_rows(dx: Floats, dy: Floats, index: Int32Array, count: number, width: number, scale: number): void {
    for (let i = 0; i < count; i++) {
      const to = index[i]! * width;
      for (let j = 0; j < width; j++) dx[to + j]! += scale * dy[i * width + j]!;
    }
  },
};
