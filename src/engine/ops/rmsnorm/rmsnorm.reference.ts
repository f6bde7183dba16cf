import type { Floats } from "../../device/reference/reference-device.ts";

export const rmsnormReference = {
  rmsnorm_forward(
    y: Floats,
    rstd: Floats,
    x: Floats,
    weight: Floats,
    rows: number,
    width: number,
    eps: number,
    offset: number,
  ): void {
    for (let row = 0; row < rows; row++) {
      const at = row * width;
      let squares = 0;
      for (let i = 0; i < width; i++) squares += x[at + i]! ** 2;
      const scale = 1 / Math.sqrt(squares / width + eps);
      rstd[row] = scale;
      for (let i = 0; i < width; i++) y[at + i] = x[at + i]! * scale * (weight[i]! + offset);
    }
  },

  rmsnorm_backward(
    dx: Floats | null,
    dweight: Floats | null,
    dy: Floats,
    x: Floats,
    weight: Floats,
    rstd: Floats,
    rows: number,
    width: number,
    offset: number,
  ): void {
    for (let row = 0; row < rows; row++) {
      const at = row * width;
      const scale = rstd[row]!;
      if (dweight) for (let i = 0; i < width; i++) dweight[i]! += dy[at + i]! * x[at + i]! * scale;
      if (!dx) continue;
      // d rms enters through every element of the row: its share is the projection of the scaled dy on x.
      let projection = 0;
      for (let i = 0; i < width; i++) projection += dy[at + i]! * (weight[i]! + offset) * x[at + i]!;
      const shared = (projection * scale ** 3) / width;
      for (let i = 0; i < width; i++) dx[at + i] = dy[at + i]! * (weight[i]! + offset) * scale - x[at + i]! * shared;
    }
  },
};
