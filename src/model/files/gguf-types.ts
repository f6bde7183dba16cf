/** Names and numbers of the GGUF format, version 3 (ggml-org/ggml, docs/gguf.md). */

/** How the values of a tensor lie in a GGUF file, by ggml's names. */
export type GgmlType = "f32" | "f16" | "bf16" | "q8_0" | "q4_k";

interface GgmlTypeInfo {
  /** ggml's number. */
  readonly id: number;
  /** Values that are stored together. A row of a tensor is a whole number of blocks. */
  readonly blockValues: number;
  readonly blockBytes: number;
}

export const ggmlTypes: Readonly<Record<GgmlType, GgmlTypeInfo>> = {
  f32: { id: 0, blockValues: 1, blockBytes: 4 },
  f16: { id: 1, blockValues: 1, blockBytes: 2 },
  q8_0: { id: 8, blockValues: 32, blockBytes: 34 },
  q4_k: { id: 12, blockValues: 256, blockBytes: 144 },
  bf16: { id: 30, blockValues: 1, blockBytes: 2 },
};

/** Bytes of `values` values, which fill whole blocks. */
export function ggmlBytes(type: GgmlType, values: number): number {
  const { blockValues, blockBytes } = ggmlTypes[type];
  return (values / blockValues) * blockBytes;
}

/** A value of a GGUF file's metadata with its type in the file. */
export type GgufValue =
  | { readonly type: "u32" | "f32"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "i32[]" | "f32[]"; readonly value: readonly number[] }
  | { readonly type: "string[]"; readonly value: readonly string[] };

/** Metadata by key, in the order of the file. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

/** Numbers of the types of values. */
export const ggufValueTypes = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;

export const GGUF_MAGIC = "GGUF";
export const GGUF_VERSION = 3;
/** Data of every tensor begins at a multiple of this, counted from where the first one begins. */
export const GGUF_ALIGNMENT = 32;
