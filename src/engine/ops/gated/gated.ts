/**
 * y = activation(gate) · up, element by element: the middle of a gated MLP (Shazeer 2020, arXiv 2002.05202).
 *
 * Kernels, `activation` as its code:
 *   gated_forward  (y, gate, up, length, activation)
 *   gated_backward (dgate, dup, dy, gate, up, length, activation)
 */
import { type BackwardRule, record } from "../../tensor/tape.ts";
import { empty, expectShape, type Tensor } from "../../tensor/tensor.ts";
import { type Activation, activationCode } from "../activation/activation.ts";

/** @param gate any shape @param up the same shape @returns the same shape */
export function gated(gate: Tensor, up: Tensor, activation: Activation): Tensor {
  expectShape("gated up", up, gate.shape);
  const { device, shape, length } = gate;
  const code = activationCode[activation];
  const y = empty(device, shape, gate.dtype);
  const forward = (): void => device.launch("gated_forward", [y, gate, up, length, code]);
  forward();
  const backward: BackwardRule = ([dy]) => {
    const dgate = empty(device, shape, gate.dtype);
    const dup = empty(device, shape, gate.dtype);
    device.launch("gated_backward", [dgate, dup, dy!, gate, up, length, code]);
    return [dgate, dup];
  };
  record([y], [gate, up], [gate, up], backward, { from: [gate, up], run: forward });
  return y;
}
