/** Every operation is rounded to f32, unlike in other ops: a code must be the same bit for bit on every device. */
import { fromBf16, toBf16 } from "../../device/bf16.ts";
import type { Floats } from "../../device/reference/reference-device.ts";
import { MAP_BLOCK, nearestCode } from "../dynamic-map.ts";
import { nf4Code, nf4Thresholds } from "./nf4-code.ts";

export const nf4Reference = {
  nf4_quantize(
    packed: Uint8Array,
    absmax: Floats,
    x: Floats,
    _xDtype: number,
    length: number,
    blockSize: number,
  ): void {
    packed.fill(0);
    for (let begin = 0, block = 0; begin < length; begin += blockSize, block++) {
      const end = Math.min(begin + blockSize, length);
      const largest = largestMagnitude(x, begin, end);
      absmax[block] = largest;
      const inverse = largest > 0 ? Math.fround(1 / largest) : 0;
      for (let i = begin; i < end; i++) {
        const code = nf4Index(Math.fround(x[i]! * inverse));
        packed[i >> 1]! |= i % 2 === 0 ? code << 4 : code;
      }
    }
    if (length % 2 === 1) packed[length >> 1]! |= nf4Index(0);
  },

  nf4_dequantize(
    y: Floats,
    _yDtype: number,
    packed: Uint8Array,
    absmax: Floats | null,
    codes: Uint8Array | null,
    nestedAbsmax: Floats | null,
    map: Floats | null,
    offset: number,
    length: number,
    blockSize: number,
    rounding: number,
  ): void {
    const round = [Math.fround, roundToBf16, roundToHalf][rounding]!;
    const scales = absmax ?? scalesOf(codes!, nestedAbsmax!, map!, offset);
    for (let i = 0; i < length; i++) {
      const pair = packed[i >> 1]!;
      const code = i % 2 === 0 ? pair >> 4 : pair & 15;
      y[i] = round(Math.fround(nf4Code[code]! * scales[Math.floor(i / blockSize)]!));
    }
  },

  nf4_dequantize_transposed(
    y: Floats,
    ldy: number,
    yDtype: number,
    packed: Uint8Array,
    absmax: Floats | null,
    codes: Uint8Array | null,
    nestedAbsmax: Floats | null,
    map: Floats | null,
    offset: number,
    rows: number,
    columns: number,
    blockSize: number,
    rounding: number,
  ): void {
    const plain = new Float64Array(rows * columns);
    const scales = [absmax, codes, nestedAbsmax, map, offset] as const;
    nf4Reference.nf4_dequantize(plain, yDtype, packed, ...scales, plain.length, blockSize, rounding);
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) y[j * ldy + i] = plain[i * columns + j]!;
  },

  nf4_quantize_absmax(
    codes: Uint8Array,
    nestedAbsmax: Floats,
    map: Floats,
    absmax: Floats,
    offset: number,
    blocks: number,
  ): void {
    const centred = Float32Array.from({ length: blocks }, (_, i) => absmax[i]! - offset);
    for (let begin = 0, group = 0; begin < blocks; begin += MAP_BLOCK, group++) {
      const end = Math.min(begin + MAP_BLOCK, blocks);
      const largest = largestMagnitude(centred, begin, end);
      nestedAbsmax[group] = largest;
      const inverse = largest > 0 ? Math.fround(1 / largest) : 0;
      for (let i = begin; i < end; i++) codes[i] = nearestCode(map, Math.fround(centred[i]! * inverse));
    }
  },
};

function scalesOf(codes: Uint8Array, nestedAbsmax: Floats, map: Floats, offset: number): Float32Array {
  return Float32Array.from(codes, (code, i) => {
    const centred = Math.fround(map[code]! * nestedAbsmax[Math.floor(i / MAP_BLOCK)]!);
    return centred + offset;
  });
}

function roundToBf16(x: number): number {
  return fromBf16(toBf16(x));
}

/** To IEEE 754 binary16: 11 significant bits, in steps of 2⁻²⁴ below 2⁻¹⁴, infinite from 65,520 on; ties to even. */
function roundToHalf(x: number): number {
  const size = Math.abs(x);
  if (size >= 65_520) return Math.sign(x) * Number.POSITIVE_INFINITY;
  const step = size < 2 ** -14 ? 2 ** -24 : 2 ** (Math.floor(Math.log2(size)) - 10);
  const steps = x / step;
  const below = Math.floor(steps);
  const up = steps - below === 0.5 ? below % 2 !== 0 : steps - below > 0.5;
  return (up ? below + 1 : below) * step;
}

/** How many thresholds x lies above; NaN lies above none. */
function nf4Index(x: number): number {
  let index = 0;
  for (const threshold of nf4Thresholds) if (x > threshold) index++;
  return index;
}

function largestMagnitude(x: Floats, begin: number, end: number): number {
  let largest = 0;
  for (let i = begin; i < end; i++) if (Math.abs(x[i]!) > largest) largest = Math.abs(x[i]!);
  return largest;
}
