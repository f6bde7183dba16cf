import type { Floats } from "../../device/reference/reference-device.ts";

export const activationReference = {
  activation_forward(y: Floats, x: Floats, length: number, activation: number): void {
    for (let i = 0; i < length; i++) y[i] = activated(x[i]!, activation).value;
  },

  activation_backward(dx: Floats, dy: Floats, x: Floats, length: number, activation: number): void {
    for (let i = 0; i < length; i++) dx[i] = dy[i]! * activated(x[i]!, activation).slope;
  },
};

/** An activation (by its code) and its derivative at x. */
export function activated(x: number, activation: number): { value: number; slope: number } {
  if (activation === 0 || activation === 5) {
    const steepness = activation === 0 ? 1 : 1.702;
    const sigmoid = 1 / (1 + Math.exp(-steepness * x));
    return { value: x * sigmoid, slope: sigmoid * (1 + steepness * x * (1 - sigmoid)) };
  }
  if (activation === 1) {
    const root = Math.sqrt(2 / Math.PI);
    const tanh = Math.tanh(root * (x + 0.044715 * x ** 3));
    const steepness = (1 - tanh ** 2) * root * (1 + 3 * 0.044715 * x ** 2);
    return { value: 0.5 * x * (1 + tanh), slope: 0.5 * (1 + tanh) + 0.5 * x * steepness };
  }
  if (activation === 3) return { value: Math.max(x, 0), slope: x > 0 ? 1 : 0 };
  if (activation === 4) return { value: Math.tanh(x), slope: 1 - Math.tanh(x) ** 2 };
  const share = 0.5 * (1 + erf(x / Math.SQRT2));
  const density = Math.exp(-(x ** 2) / 2) / Math.sqrt(2 * Math.PI);
  return { value: x * share, slope: share + x * density };
}

/** erf by its Taylor series near 0 and by the continued fraction of erfc beyond (Abramowitz and Stegun 7.1.5, 7.1.14). */
function erf(x: number): number {
  const size = Math.abs(x);
  if (size < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = size;
  for (let n = 60; n > 0; n--) fraction = size + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / fraction);
}
