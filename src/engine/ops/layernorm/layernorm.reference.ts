import type { Floats } from "../../device/reference/reference-device.ts";

export const layernormReference = {
  layernorm_forward(
    y: Floats,
    mean: Floats,
    rstd: Floats,
    x: Floats,
    weight: Floats,
    bias: Floats | null,
    rows: number,
    width: number,
    eps: number,
  ): void {
    for (let row = 0; row < rows; row++) {
      const at = row * width;
      let sum = 0;
      for (let i = 0; i < width; i++) sum += x[at + i]!;
      const center = sum / width;
      let squares = 0;
      for (let i = 0; i < width; i++) squares += (x[at + i]! - center) ** 2;
      const scale = 1 / Math.sqrt(squares / width + eps);
      mean[row] = center;
      rstd[row] = scale;
      for (let i = 0; i < width; i++) y[at + i] = (x[at + i]! - center) * scale * weight[i]! + (bias?.[i] ?? 0);
    }
  },

  layernorm_backward(
    dx: Floats | null,
    dweight: Floats | null,
    dbias: Floats | null,
    dy: Floats,
    x: Floats,
    weight: Floats,
    mean: Floats,
    rstd: Floats,
    rows: number,
    width: number,
  ): void {
    for (let row = 0; row < rows; row++) {
      const at = row * width;
      const center = mean[row]!;
      const scale = rstd[row]!;
      if (dweight) for (let i = 0; i < width; i++) dweight[i]! += dy[at + i]! * (x[at + i]! - center) * scale;
      if (dbias) for (let i = 0; i < width; i++) dbias[i]! += dy[at + i]!;
      if (!dx) continue;
      // Mean and variance take their share through every element of the row: moving all, or stretching all, is undone.
      let shift = 0;
      let stretch = 0;
      for (let i = 0; i < width; i++) {
        shift += (dy[at + i]! * weight[i]!) / width;
        stretch += (dy[at + i]! * weight[i]! * (x[at + i]! - center) * scale) / width;
      }
      for (let i = 0; i < width; i++) {
        dx[at + i] = (dy[at + i]! * weight[i]! - shift - (x[at + i]! - center) * scale * stretch) * scale;
      }
    }
  },
};
