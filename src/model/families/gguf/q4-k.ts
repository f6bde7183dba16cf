/**
 * ggml's Q4_K, bit for bit as `quantize_row_q4_K_ref` writes it without an importance matrix (ggml-org/ggml,
 * src/ggml-quants.c): super-blocks of 256 values in 8 blocks of 32. A value is d · scale · q - dmin · min, with q in 4 bits,
 * scale and min of a block in 6 bits, d and dmin of the super-block in f16.
 *
 * All arithmetic is in f32, in ggml's order: every `f` below is a rounding that C does silently.
 */
import { fromHalf, toHalf } from "./half.ts";

const SUPER_BLOCK = 256;
const BLOCK = 32;
const BLOCKS = SUPER_BLOCK / BLOCK;
const BLOCK_BYTES = 144;
const LARGEST = 15;
const LARGEST_SCALE = 63;
/** Scales that are tried: (LARGEST - 1 + 0.1 · step) / (max - min). */
const STEPS = 20;

const f = Math.fround;

/** @param x a multiple of 256 values */
export function encodeQ4K(x: Float32Array): Uint8Array {
  const bytes = new Uint8Array((x.length / SUPER_BLOCK) * BLOCK_BYTES);
  for (let i = 0; i < x.length / SUPER_BLOCK; i++) {
    encodeSuperBlock(
      x.subarray(i * SUPER_BLOCK, (i + 1) * SUPER_BLOCK),
      bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES),
    );
  }
  return bytes;
}

const levels = new Uint8Array(SUPER_BLOCK);
const scales = new Float32Array(BLOCKS);
const mins = new Float32Array(BLOCKS);
const scaleLevels = new Uint8Array(BLOCKS);
const minLevels = new Uint8Array(BLOCKS);

function encodeSuperBlock(x: Float32Array, bytes: Uint8Array): void {
  for (let block = 0; block < BLOCKS; block++) fitBlock(x, block);
  const d = quantizeToLevels(scales, scaleLevels);
  const dmin = quantizeToLevels(mins, minLevels);
  for (let block = 0; block < BLOCKS; block++) {
    const scale = f(fromHalf(d) * scaleLevels[block]!);
    if (scale === 0) continue;
    const min = f(fromHalf(dmin) * minLevels[block]!);
    for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
      levels[i] = clamp(nearest(f(f(x[i]! + min) / scale)));
    }
  }
  bytes[0] = d & 0xff;
  bytes[1] = d >> 8;
  bytes[2] = dmin & 0xff;
  bytes[3] = dmin >> 8;
  packLevels(bytes.subarray(4, 16));
  for (let i = 0; i < SUPER_BLOCK / 2; i++) {
    const low = Math.floor(i / BLOCK) * 2 * BLOCK + (i % BLOCK);
    bytes[16 + i] = levels[low]! | (levels[low + BLOCK]! << 4);
  }
}

/** 6 bits each, of the largest. @returns the step between levels, as f16 */
function quantizeToLevels(values: Float32Array, into: Uint8Array): number {
  let largest = 0;
  for (const value of values) if (value > largest) largest = value;
  const inverse = largest > 0 ? f(LARGEST_SCALE / largest) : 0;
  for (let i = 0; i < BLOCKS; i++) into[i] = Math.min(LARGEST_SCALE, nearest(f(inverse * values[i]!)) & 0xff);
  return toHalf(f(largest / LARGEST_SCALE));
}

/** 8 scales and 8 mins of 6 bits in 12 bytes: the first four whole, of the others the upper two bits above those. */
function packLevels(bytes: Uint8Array): void {
  for (let i = 0; i < 4; i++) {
    const [scale, min] = [scaleLevels[i + 4]!, minLevels[i + 4]!];
    bytes[i] = scaleLevels[i]! | ((scale >> 4) << 6);
    bytes[i + 4] = minLevels[i]! | ((min >> 4) << 6);
    bytes[i + 8] = (scale & 0xf) | ((min & 0xf) << 4);
  }
}

const weights = new Float32Array(BLOCK);
const tried = new Uint8Array(BLOCK);

/** Scale, min and levels of a block with the smallest weighted squared error: ggml's `make_qkx2_quants`. */
function fitBlock(x: Float32Array, block: number): void {
  const begin = block * BLOCK;
  let sumSquares = 0;
  for (let i = 0; i < BLOCK; i++) sumSquares = f(sumSquares + f(x[begin + i]! * x[begin + i]!));
  const typical = f(Math.sqrt(f(sumSquares / BLOCK)));
  let min = x[begin]!;
  let max = min;
  let sumW = 0;
  let sumX = 0;
  for (let i = 0; i < BLOCK; i++) {
    const value = x[begin + i]!;
    const w = f(typical + Math.abs(value));
    weights[i] = w;
    if (value < min) min = value;
    if (value > max) max = value;
    sumW = f(sumW + w);
    sumX = f(sumX + f(w * value));
  }
  if (min > 0) min = 0;
  if (max === min) {
    levels.fill(0, begin, begin + BLOCK);
    scales[block] = 0;
    mins[block] = -min;
    return;
  }
  let inverse = f(LARGEST / f(max - min));
  let scale = f(1 / inverse);
  let leastError = 0;
  for (let i = 0; i < BLOCK; i++) {
    const level = clamp(nearest(f(inverse * f(x[begin + i]! - min))));
    levels[begin + i] = level;
    const difference = f(f(f(scale * level) + min) - x[begin + i]!);
    leastError = f(leastError + f(weights[i]! * f(difference * difference)));
  }
  for (let step = 0; step <= STEPS; step++) {
    // As in ggml, a better min is what the next scale is tried with.
    inverse = f(f(f(-1 + f(f(0.1) * step)) + LARGEST) / f(max - min));
    let sumL = 0;
    let sumL2 = 0;
    let sumXL = 0;
    for (let i = 0; i < BLOCK; i++) {
      const value = x[begin + i]!;
      const level = clamp(nearest(f(inverse * f(value - min))));
      tried[i] = level;
      const weighted = f(weights[i]! * level);
      sumL = f(sumL + weighted);
      sumL2 = f(sumL2 + f(weighted * level));
      sumXL = f(sumXL + f(weighted * value));
    }
    const determinant = f(f(sumW * sumL2) - f(sumL * sumL));
    if (!(determinant > 0)) continue;
    let newScale = f(f(f(sumW * sumXL) - f(sumX * sumL)) / determinant);
    let newMin = f(f(f(sumL2 * sumX) - f(sumL * sumXL)) / determinant);
    if (newMin > 0) {
      newMin = 0;
      newScale = f(sumXL / sumL2);
    }
    let error = 0;
    for (let i = 0; i < BLOCK; i++) {
      const difference = f(f(f(newScale * tried[i]!) + newMin) - x[begin + i]!);
      error = f(error + f(weights[i]! * f(difference * difference)));
    }
    if (error < leastError) {
      levels.set(tried, begin);
      leastError = error;
      scale = newScale;
      min = newMin;
    }
  }
  scales[block] = scale;
  mins[block] = -min;
}

/** To the nearest integer, ties to even, of an f32 below 2^22: adding 1.5 · 2^23 leaves no bits for a fraction. */
function nearest(value: number): number {
  return f(value + 12582912) - 12582912;
}

function clamp(level: number): number {
  return Math.max(0, Math.min(LARGEST, level));
}
