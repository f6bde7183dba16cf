import type { Floats } from "../../device/reference/reference-device.ts";

export const doraReference = {
  dora_norms(
    norms: Floats,
    weight: Floats,
    ldw: number,
    _weightDtype: number,
    a: Floats,
    b: Floats,
    scale: number,
    outputs: number,
    inputs: number,
    rank: number,
  ): void {
    for (let o = 0; o < outputs; o++) {
      let squares = 0;
      for (let i = 0; i < inputs; i++) {
        let product = 0;
        for (let r = 0; r < rank; r++) product += b[o * rank + r]! * a[r * inputs + i]!;
        squares += (weight[o * ldw + i]! + scale * product) ** 2;
      }
      norms[o] = Math.sqrt(squares);
    }
  },

  dora_forward(
    y: Floats,
    z: Floats,
    magnitude: Floats,
    norms: Floats,
    bias: Floats | null,
    start: Floats | null,
    rows: number,
    width: number,
  ): void {
    for (let i = 0; i < rows * width; i++) {
      const column = i % width;
      y[i] = factorOf(magnitude[column]!, norms[column]!) * z[i]! + (bias?.[column] ?? 0) + (start?.[i] ?? 0);
    }
  },

  dora_backward(
    dz: Floats,
    dmagnitude: Floats | null,
    dbias: Floats | null,
    dy: Floats,
    z: Floats,
    magnitude: Floats,
    norms: Floats,
    rows: number,
    width: number,
  ): void {
    for (let i = 0; i < rows * width; i++) {
      const column = i % width;
      dz[i] = factorOf(magnitude[column]!, norms[column]!) * dy[i]!;
      if (dmagnitude) dmagnitude[column]! += factorOf(dy[i]! * z[i]!, norms[column]!);
      if (dbias) dbias[column]! += dy[i]!;
    }
  },
};

function factorOf(value: number, norm: number): number {
  return norm > 0 ? value / norm : 0;
}
