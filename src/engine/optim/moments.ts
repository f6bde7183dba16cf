/** AdamW's moments of parameters that are updated together, and each parameter's share of them. */
import type { AdamwMoments } from "../ops/adamw/adamw.ts";
import type { QuantizedMoments } from "../ops/adamw-8bit/adamw-8bit.ts";
import { MAP_BLOCK } from "../ops/dynamic-map.ts";
import { rows, type Tensor, view, zeros } from "../tensor/tensor.ts";

export type Moments = {
  /** Views by their names' endings, one record a parameter. */
  readonly ofParameter: readonly Readonly<Record<string, Tensor>>[];
} & (
  | { readonly kind: "f32"; readonly whole: Readonly<Record<keyof AdamwMoments, Tensor>> }
  | { readonly kind: "8-bit"; readonly whole: Readonly<Record<keyof QuantizedMoments, Tensor>> }
);

/** Fewer values take too little memory to be worth the way to the host at every step; the number is bitsandbytes'. */
const PAGED_FROM = 100_000;

export interface MomentOptions {
  readonly quantized: boolean;
  /** Keep the moments in host memory, but for small ones and the few values that scale 8-bit ones. */
  readonly paged: boolean;
}

/**
 * Zeros; `whole` is what the caller releases.
 * @param parameters with 8-bit moments: each but the last a multiple of a block long
 */
export function createMoments(parameters: readonly Tensor[], { quantized, paged }: MomentOptions): Moments {
  const { device } = parameters[0]!;
  const length = parameters.reduce((sum, parameter) => sum + parameter.length, 0);
  const place = paged && length >= PAGED_FROM ? "host" : "device";
  const begins: number[] = [];
  parameters.reduce((begin, parameter) => {
    begins.push(begin);
    return begin + parameter.length;
  }, 0);
  const values = (whole: Tensor, i: number): Tensor => {
    const parameter = parameters[i]!;
    return view(rows(whole, begins[i]!, begins[i]! + parameter.length), parameter.shape);
  };
  // Endings of the names as PyTorch's AdamW has them, and as bitsandbytes has them.
  if (!quantized) {
    const [m, v] = [zeros(device, [length], "f32", place), zeros(device, [length], "f32", place)];
    const ofParameter = parameters.map((_, i) => ({ exp_avg: values(m, i), exp_avg_sq: values(v, i) }));
    return { kind: "f32", whole: { m, v }, ofParameter };
  }
  const blocks = (count: number): number => Math.ceil(count / MAP_BLOCK);
  const whole = {
    state1: zeros(device, [length], "u8", place),
    state2: zeros(device, [length], "u8", place),
    absmax1: zeros(device, [blocks(length)]),
    absmax2: zeros(device, [blocks(length)]),
  };
  const scales = (absmax: Tensor, i: number): Tensor =>
    rows(absmax, blocks(begins[i]!), blocks(begins[i]! + parameters[i]!.length));
  const ofParameter = parameters.map((_, i) => ({
    state1: values(whole.state1, i),
    state2: values(whole.state2, i),
    absmax1: scales(whole.absmax1, i),
    absmax2: scales(whole.absmax2, i),
  }));
  return { kind: "8-bit", whole, ofParameter };
}
