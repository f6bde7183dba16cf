/**
 * Element types of the safetensors format with their size in bits, in the reference writer's order of rank
 * (huggingface/safetensors, `Dtype`), highest first.
 */
export const SAFETENSORS_DTYPE_BITS = {
  U64: 64,
  I64: 64,
  F64: 64,
  C64: 64,
  F32: 32,
  U32: 32,
  I32: 32,
  BF16: 16,
  F16: 16,
  U16: 16,
  I16: 16,
  F8_E5M2FNUZ: 8,
  F8_E4M3FNUZ: 8,
  F8_E8M0: 8,
  F8_E4M3: 8,
  F8_E5M2: 8,
  I8: 8,
  U8: 8,
  F6_E3M2: 6,
  F6_E2M3: 6,
  F4: 4,
  BOOL: 8,
} as const;

export type SafetensorsDtype = keyof typeof SAFETENSORS_DTYPE_BITS;

/** Position in the reference writer's order: 0 is written first. */
export function dtypeRank(dtype: SafetensorsDtype): number {
  return Object.keys(SAFETENSORS_DTYPE_BITS).indexOf(dtype);
}

export function isSafetensorsDtype(name: unknown): name is SafetensorsDtype {
  return typeof name === "string" && Object.hasOwn(SAFETENSORS_DTYPE_BITS, name);
}

/** Bytes of a tensor, or undefined when that is not a whole number of bytes that a file could hold. */
export function tensorByteLength(dtype: SafetensorsDtype, shape: readonly number[]): number | undefined {
  const elements = shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
  const bytes = (elements * SAFETENSORS_DTYPE_BITS[dtype]) / 8;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
