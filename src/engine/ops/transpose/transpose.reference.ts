import type { Floats } from "../../device/reference/reference-device.ts";

export const transposeReference = {
  transpose(to: Floats, ldto: number, from: Floats, ldfrom: number, rows: number, columns: number): void {
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) to[j * ldto + i] = from[i * ldfrom + j]!;
  },
};
