/**
 * y = activation(gate) · up, where gate and up are linear layers that share the input x: the first half of a gated MLP
 * (Shazeer 2020, arXiv 2002.05202). Where they have adapters and activations are bf16, one pass over gate and up adds the
 * adapters' parts and multiplies; another computes them again on the way back, and with the gradients of gate and up those
 * of what is multiplied with the small factors. Elsewhere it is composed of `linears` and `gated`.
 *
 * Kernels, of devices with bf16 activations: gate and up are without the adapters' parts, h [M, rg + ru] holds x·Aᵀ of
 * gate and then of up, B's are bf16, all begin on 16 bytes; rg and ru are multiples of 8, 0 where there is no adapter,
 * and 8 to 64 together; N is a multiple of 8:
 *   gated_linear_forward  (y [M, N], gate [M, N], up [M, N], h, gateB [N, rg] | null, upB [N, ru] | null, M, N, rg, ru,
 *                          gateScale, upScale, activation)
 *                          y = activation(gate + gateScale · hg·gateBᵀ) · (up + upScale · hu·upBᵀ)
 *   gated_linear_backward (dgate [M, N], dup [M, N], dh [M, rg + ru], dgateB [N, rg] | null, dupB [N, ru] | null,
 *                          dy [M, N], gate, up, h, gateB, upB, M, N, rg, ru, gateScale, upScale, activation);
 *                          dgate and dup may be gate and up themselves
 *                          dh = gateScale · dgate·gateB | upScale · dup·upB,
 *                          dgateB += gateScale · dgateᵀ·hg,  dupB += upScale · dupᵀ·hu
 */
import type { KernelArgument } from "../../device/device.ts";
import { gradientOf, record } from "../../tensor/tape.ts";
import { empty, rowCount, type Tensor } from "../../tensor/tensor.ts";
import { working } from "../../tensor/working-copy.ts";
import { type Activation, activationCode } from "../activation/activation.ts";
import { gated } from "../gated/gated.ts";
import { backwardGroup, groupInputs, savedOf } from "../linear/backward.ts";
import { emptyOutputs, type LinearGroup, type LinearMember } from "../linear/group.ts";
import { linears } from "../linear/linear.ts";
import { type LowRankColumns, lowRankColumns, multiplyByA } from "../linear/low-rank.ts";
import { multiplyByWeights, oneByOne } from "../linear/one-by-one.ts";

/** The most ranks of both adapters together that the kernels take. */
const MOST_RANKS = 64;

/** @param x [..., in] @returns [rows of x, out] */
export function gatedLinear(x: Tensor, gate: LinearMember, up: LinearMember, activation: Activation): Tensor {
  const members = [gate, up] as const;
  if (suitsKernels(x, members)) return fused(x, members, activation);
  const [gates, values] = linears(x, members) as [Tensor, Tensor];
  return gated(gates, values, activation);
}

function suitsKernels(x: Tensor, members: readonly LinearMember[]): boolean {
  const adapters = members.flatMap(({ adapter }) => adapter ?? []);
  const ranks = adapters.map(({ b }) => b.shape[1]!);
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  return (
    x.dtype === "bf16" &&
    total > 0 &&
    total <= MOST_RANKS &&
    ranks.every((rank) => rank % 8 === 0) &&
    members.every(({ weight }) => weight.shape[0]! % 8 === 0) &&
    adapters.every(({ b }) => working(b).offset % 16 === 0)
  );
}

function fused(x: Tensor, members: readonly [LinearMember, LinearMember], activation: Activation): Tensor {
  const { device } = x;
  const ranks = lowRankColumns(x, members) as LowRankColumns;
  const group: LinearGroup = { x, members, ranks };
  const [gate, up] = emptyOutputs(group, rowCount(x)) as [Tensor, Tensor];
  const { h } = ranks;
  multiplyByA(ranks);
  multiplyByWeights(group, [gate, up], false);

  const inputs = (): KernelArgument[] => [
    gate,
    up,
    h,
    ...members.map(({ adapter }) => (adapter ? working(adapter.b) : null)),
    ...gate.shape,
    ...members.map(({ adapter }) => adapter?.b.shape[1] ?? 0),
    ...members.map(({ adapter }) => adapter?.scale ?? 0),
    activationCode[activation],
  ];
  const y = empty(device, gate.shape, gate.dtype);
  const forward = (): void => device.launch("gated_linear_forward", [y, ...inputs()]);
  forward();
  const saved = [...savedOf(group), gate, up];
  record(
    [y],
    groupInputs(group),
    saved,
    ([dy], needs) => {
      const dh = empty(device, h.shape, h.dtype);
      const ofB = members.map(({ adapter }) => (adapter?.b.trainable ? gradientOf(adapter.b) : null));
      // Nobody reads gate and up after this: their gradients take their place.
      device.launch("gated_linear_backward", [gate, up, dh, ...ofB, dy!, ...inputs()]);
      return backwardGroup(group, oneByOne, [gate, up], dh, needs);
    },
    { from: [gate, up, h], run: forward },
  );
  return y;
}
