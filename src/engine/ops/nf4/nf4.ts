/**
 * NF4: frozen weights in 4 bits each, with one scale per block, in bitsandbytes' layout (Dettmers et al. 2023,
 * arXiv 2305.14314). A weight is taken row-major as one run of values, cut into blocks of `blockSize`; a value is stored
 * as the index of the nearest of 16 codes to value / absmax, element 2j in the high half of byte j, 2j + 1 in the low
 * half. With double quantisation the scales are stored in 8 bits: minus their mean, in blocks of 256.
 *
 * Kernels (x, y: f32 or bf16 with their dtype's code; blockSize even, at most 4096; arithmetic in f32):
 *   nf4_quantize          (packed u8 [ceil(length / 2)], absmax [blocks], x, dtype of x, length, blockSize)
 *   nf4_dequantize        (y, dtype of y, packed, absmax | null, codes | null, nestedAbsmax | null, map | null, offset,
 *                          length, blockSize, rounding), with absmax, or else with the four that stand for it; rounding
 *                          (0 none, 1 bf16, 2 f16) is what values are rounded to before anything else
 *   nf4_dequantize_transposed (y [columns, ldy], ldy, dtype of y, then as above up to offset, rows, columns, blockSize,
 *                          rounding): y[j, i] = value [i, j] of the weight [rows, columns]
 *   nf4_quantize_absmax   (codes u8 [blocks], nestedAbsmax [ceil(blocks / 256)], map [256], absmax, offset, blocks)
 */
import { type DType, dtypeCode, type KernelArgument } from "../../device/device.ts";
import { scope } from "../../tensor/scope.ts";
import {
  elementCount,
  empty,
  fromHost,
  release,
  rows,
  type Shape,
  type Tensor,
  toFloats,
} from "../../tensor/tensor.ts";
import { dynamicMap, MAP_BLOCK } from "../dynamic-map.ts";

export interface Nf4Options {
  /** Even, 2 to 4096; bitsandbytes takes 64. */
  readonly blockSize: number;
  readonly doubleQuant: boolean;
}

/** Scales in 8 bits: scale b = map[codes[b]] · nestedAbsmax[b div 256] + offset. */
export type QuantizedAbsmax = {
  /** u8 [blocks] */
  readonly codes: Tensor;
  /** f32 [ceil(blocks / 256)] */
  readonly nestedAbsmax: Tensor;
  /** f32 [256] */
  readonly map: Tensor;
  readonly offset: number;
};

/** What a value is rounded to, whatever it is then held in: the dtype of the weight that was quantised, as bitsandbytes has it. */
export type Nf4Rounding = "bf16" | "f16";

const roundingCode: Readonly<Record<Nf4Rounding, number>> = { bf16: 1, f16: 2 };

export type Nf4Tensor = {
  /** Of the weight that this stands for. */
  readonly shape: Shape;
  readonly blockSize: number;
  /** Where it is left out, values are those of f32. */
  readonly rounding?: Nf4Rounding | undefined;
  /** u8 [ceil(n / 2), 1] */
  readonly packed: Tensor;
  /** f32 [blocks], or the same in 8 bits. */
  readonly absmax: Tensor | QuantizedAbsmax;
  /** All that it takes on the device. */
  readonly bytes: number;
};

/** @param x [out, in], f32 or bf16. The result's tensors belong to the current scope, or to the caller: `releaseNf4`. */
export function quantizeNf4(x: Tensor, { blockSize, doubleQuant }: Nf4Options): Nf4Tensor {
  const { device, length } = x;
  const packed = empty(device, [Math.ceil(length / 2), 1], "u8");
  const quantize = (): Tensor => {
    const absmax = empty(device, [Math.ceil(length / blockSize)]);
    device.launch("nf4_quantize", [packed, absmax, x, floatCode(x.dtype), length, blockSize]);
    return absmax;
  };
  const absmax = doubleQuant ? scope(() => quantizeAbsmax(quantize())) : quantize();
  const bytes = nf4Tensors({ packed, absmax }).reduce((sum, { buffer }) => sum + buffer.bytes, 0);
  return { shape: x.shape, blockSize, packed, absmax, bytes };
}

/**
 * @param spareRows rows after the weight's own, uninitialised
 * @returns the weight in full, in `dtype`
 */
export function dequantizeNf4(quantized: Nf4Tensor, dtype: "f32" | "bf16", spareRows = 0): Tensor {
  const [height, ...rest] = quantized.shape as [number, ...number[]];
  const y = empty(quantized.packed.device, [height + spareRows, ...rest], dtype);
  dequantizeNf4Into(rows(y, 0, height), quantized);
  return y;
}

/** The same transposed: [in, out + spareColumns]. */
export function dequantizeNf4Transposed(quantized: Nf4Tensor, dtype: "f32" | "bf16", spareColumns = 0): Tensor {
  const [height, width] = quantized.shape as [number, number];
  const y = empty(quantized.packed.device, [width, height + spareColumns], dtype);
  const { packed, blockSize } = quantized;
  const head = [y, height + spareColumns, floatCode(dtype), packed, ...scalesOf(quantized)];
  y.device.launch("nf4_dequantize_transposed", [...head, height, width, blockSize, codeOfRounding(quantized)]);
  return y;
}

/** Overwrites y, an f32 or bf16 tensor of the weight's size, for instance a scratch that layers share. */
export function dequantizeNf4Into(y: Tensor, quantized: Nf4Tensor): void {
  const { packed, shape, blockSize } = quantized;
  const length = elementCount(shape);
  if (y.length !== length) throw new Error(`dequantizeNf4Into: [${shape}] does not fit [${y.shape}]`);
  const head = [y, floatCode(y.dtype), packed, ...scalesOf(quantized)];
  y.device.launch("nf4_dequantize", [...head, length, blockSize, codeOfRounding(quantized)]);
}

function scalesOf({ absmax }: Nf4Tensor): KernelArgument[] {
  return "codes" in absmax
    ? [null, absmax.codes, absmax.nestedAbsmax, absmax.map, absmax.offset]
    : [absmax, null, null, null, 0];
}

function codeOfRounding({ rounding }: Nf4Tensor): number {
  return rounding === undefined ? 0 : roundingCode[rounding];
}

/** Gives up ownership of a quantised weight that belongs to no scope. */
export function releaseNf4(quantized: Nf4Tensor): void {
  for (const tensor of nf4Tensors(quantized)) release(tensor);
}

/** All tensors that it is made of. */
export function nf4Tensors({ packed, absmax }: Pick<Nf4Tensor, "packed" | "absmax">): Tensor[] {
  return "codes" in absmax ? [packed, absmax.codes, absmax.nestedAbsmax, absmax.map] : [packed, absmax];
}

function quantizeAbsmax(absmax: Tensor): QuantizedAbsmax {
  const { device, length } = absmax;
  const offset = Math.fround(toFloats(absmax).reduce((sum, scale) => sum + scale, 0) / length);
  const codes = empty(device, [length], "u8");
  const nestedAbsmax = empty(device, [Math.ceil(length / MAP_BLOCK)]);
  const map = fromHost(device, dynamicMap("signed"));
  device.launch("nf4_quantize_absmax", [codes, nestedAbsmax, map, absmax, offset, length]);
  return { codes, nestedAbsmax, map, offset };
}

function floatCode(dtype: DType): number {
  if (dtype !== "f32" && dtype !== "bf16") throw new Error(`nf4: ${dtype} is not a float dtype`);
  return dtypeCode[dtype];
}
