/**
 * y = activation(x), element by element: the middle of an MLP without a gate, or of a class head.
 *
 * Kernels, `activation` as its code:
 *   activation_forward  (y, x, length, activation)
 *   activation_backward (dx, dy, x, length, activation)
 */
import { type BackwardRule, record } from "../../tensor/tape.ts";
import { empty, type Tensor } from "../../tensor/tensor.ts";

/** By Hugging Face's names: x·σ(x); 0.5x(1 + tanh(√(2/π)(x + 0.044715x³))); 0.5x(1 + erf(x/√2)); max(x, 0); tanh x; x·σ(1.702x). */
export type Activation = "silu" | "gelu_pytorch_tanh" | "gelu" | "relu" | "tanh" | "quick_gelu";

/** Codes under which kernels know the activations. */
export const activationCode: Readonly<Record<Activation, number>> = {
  silu: 0,
  gelu_pytorch_tanh: 1,
  gelu: 2,
  relu: 3,
  tanh: 4,
  quick_gelu: 5,
};

/** @param x any shape @returns the same shape */
export function activate(x: Tensor, activation: Activation): Tensor {
  const { device, shape, length, dtype } = x;
  const code = activationCode[activation];
  const y = empty(device, shape, dtype);
  const forward = (): void => device.launch("activation_forward", [y, x, length, code]);
  forward();
  const backward: BackwardRule = ([dy]) => {
    const dx = empty(device, shape, dtype);
    device.launch("activation_backward", [dx, dy!, x, length, code]);
    return [dx];
  };
  record([y], [x], [x], backward, { from: [x], run: forward });
  return y;
}
