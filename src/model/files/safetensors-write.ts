import { writeAtomically } from "./atomic.ts";
import { dtypeRank, type SafetensorsDtype, tensorByteLength } from "./safetensors-dtype.ts";

/** A tensor to be written. `bytes` as a function is called once, when its turn comes, so that one is in memory at a time. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Row-major, little-endian. */
  readonly bytes: Uint8Array | (() => Uint8Array);
}

/** Metadata that PyTorch-side readers ask for. */
export const PT_METADATA: Readonly<Record<string, string>> = { format: "pt" };

/**
 * Writes a safetensors file atomically, byte for byte as the reference writer does: tensors by dtype rank and then by
 * name, header padded with spaces so that the data is aligned to 8 bytes.
 * @throws UserError when the disk is full or the folder cannot be written; the old file is then untouched.
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = PT_METADATA,
): void {
  const ordered = [...tensors].sort((a, b) => dtypeRank(a.dtype) - dtypeRank(b.dtype) || compareUtf8(a.name, b.name));
  const header = headerBytes(ordered, metadata);
  writeAtomically(path, (append) => {
    const prefix = new Uint8Array(8);
    new DataView(prefix.buffer).setBigUint64(0, BigInt(header.length), true);
    append(prefix);
    append(header);
    for (const tensor of ordered) {
      const bytes = typeof tensor.bytes === "function" ? tensor.bytes() : tensor.bytes;
      if (bytes.length !== byteLength(tensor)) {
        throw new RangeError(`"${tensor.name}" has ${bytes.length} bytes, its shape needs ${byteLength(tensor)}`);
      }
      append(bytes);
    }
  });
}

/** Bytes that a tensor takes in the file. */
export function byteLength(tensor: Pick<TensorToWrite, "name" | "dtype" | "shape">): number {
  const bytes = tensorByteLength(tensor.dtype, tensor.shape);
  if (bytes === undefined) throw new RangeError(`"${tensor.name}" does not fill whole bytes`);
  return bytes;
}

function headerBytes(ordered: readonly TensorToWrite[], metadata: Readonly<Record<string, string>>): Uint8Array {
  // Entries are joined as text because an object would move integer-like names to the front.
  const entries: string[] = [];
  if (Object.keys(metadata).length > 0) entries.push(`"__metadata__":${JSON.stringify(metadata)}`);
  const names = new Set<string>(["__metadata__"]);
  let offset = 0;
  for (const tensor of ordered) {
    if (names.has(tensor.name)) throw new RangeError(`the name "${tensor.name}" cannot be written twice`);
    names.add(tensor.name);
    const end = offset + byteLength(tensor);
    const entry = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] };
    entries.push(`${JSON.stringify(tensor.name)}:${JSON.stringify(entry)}`);
    offset = end;
  }
  const text = new TextEncoder().encode(`{${entries.join(",")}}`);
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  padded.set(text);
  return padded;
}

/** Order of the UTF-8 bytes, which is what the reference writer sorts by. */
function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
