/** bf16 is the upper half of an f32; conversion rounds to nearest, ties to even, and keeps NaN a NaN. */
const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

export function toBf16(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) | 0x40) & 0xffff;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

export function fromBf16(half: number): number {
  word[0] = half << 16;
  return float[0]!;
}

export function encodeBf16(values: ArrayLike<number>): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = toBf16(values[i]!);
  return halves;
}

export function decodeBf16(halves: Uint16Array): Float32Array {
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = halves[i]! << 16;
  return new Float32Array(words.buffer);
}
