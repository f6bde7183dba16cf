import { mix32 } from "../../../base/random.ts";
import type { Floats } from "../../device/reference/reference-device.ts";

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** One of the two bf16 values around x, the nearer the likelier; see adamw.ts. Infinities and NaN stay. */
export function roundStochastically(x: number, seed: number, element: number): number {
  float[0] = x;
  if (Number.isFinite(float[0])) word[0] = word[0]! + (mix32(mix32(element) ^ seed) & 0xffff);
  word[0] = word[0]! & 0xffff0000;
  return Number.isNaN(x) ? x : float[0];
}

/** What a parameter's element becomes: x itself, or, in bf16, x rounded. */
export function keepParameter(p: Floats, bf16: boolean, x: number, seed: number, element: number): void {
  p[element] = bf16 ? roundStochastically(x, seed, element) : x;
}
