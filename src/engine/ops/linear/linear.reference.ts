import type { Floats } from "../../device/reference/reference-device.ts";

/** Arguments repeat per member of a group, so they come as one list. */
type Arguments = readonly (Floats | number | null)[];

export const linearReference = {
  linear_forward(
    x: Floats,
    m: number,
    k: number,
    ldx: number,
    _precision: number,
    n: number,
    ...rest: Arguments
  ): void {
    for (let member = 0; member < n; member++) {
      const [weight, ldw, , width, bias, start, ldstart, y, ldy, alpha] = rest.slice(member * 10) as [
        Floats,
        number,
        number,
        number,
        Floats | null,
        Floats | null,
        number,
        Floats,
        number,
        number,
      ];
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < width; j++) {
          const product = dot(x, i * ldx, weight, j * ldw, k);
          const before = start ? start[i * ldstart + j]! : 0;
          y[i * ldy + j] = before + alpha * product + (bias ? bias[j]! : 0);
        }
      }
    }
  },

  linear_backward_input(
    dx: Floats,
    m: number,
    k: number,
    lddx: number,
    _precision: number,
    start: Floats | null,
    ldstart: number,
    n: number,
    ...rest: Arguments
  ): void {
    const row = new Float64Array(k);
    for (let i = 0; i < m; i++) {
      for (let c = 0; c < k; c++) row[c] = start ? start[i * ldstart + c]! : 0;
      for (let member = 0; member < n; member++) {
        const [dy, lddy, weight, ldw, , width, transposed, alpha] = rest.slice(member * 8) as [
          Floats,
          number,
          Floats,
          number,
          number,
          number,
          number,
          number,
        ];
        for (let j = 0; j < width; j++) {
          const scaled = alpha * dy[i * lddy + j]!;
          if (transposed) for (let c = 0; c < k; c++) row[c]! += scaled * weight[c * ldw + j]!;
          else addScaled(row, scaled, weight, j * ldw, k);
        }
      }
      dx.set(row, i * lddx);
    }
  },

  linear_backward_weight(
    x: Floats,
    m: number,
    k: number,
    ldx: number,
    _precision: number,
    n: number,
    ...rest: Arguments
  ): void {
    const row = new Float64Array(k);
    for (let member = 0; member < n; member++) {
      const [dy, lddy, width, dweight, dbias, alpha] = rest.slice(member * 6) as [
        Floats,
        number,
        number,
        Floats | null,
        Floats | null,
        number,
      ];
      for (let j = 0; j < width; j++) {
        row.fill(0);
        let sum = 0;
        for (let i = 0; i < m; i++) {
          sum += dy[i * lddy + j]!;
          if (dweight) addScaled(row, alpha * dy[i * lddy + j]!, x, i * ldx, k);
        }
        if (dweight) for (let c = 0; c < k; c++) dweight[j * k + c]! += row[c]!;
        if (dbias) dbias[j]! += sum;
      }
    }
  },

  linear_copy(to: Floats, ldto: number, from: Floats, ldfrom: number, m: number, n: number, alpha: number): void {
    for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) to[i * ldto + j] = alpha * from[i * ldfrom + j]!;
  },
};

function dot(a: Floats, atA: number, b: Floats, atB: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[atA + i]! * b[atB + i]!;
  return sum;
}

function addScaled(sum: Float64Array, factor: number, x: Floats, at: number, length: number): void {
  for (let i = 0; i < length; i++) sum[i]! += factor * x[at + i]!;
}
