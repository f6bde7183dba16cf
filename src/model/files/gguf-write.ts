/** Writes GGUF files, version 3 (ggml-org/ggml, docs/gguf.md): metadata, the list of tensors, their data. */
import { type Append, writeAtomically } from "./atomic.ts";
import {
  GGUF_ALIGNMENT,
  GGUF_MAGIC,
  GGUF_VERSION,
  type GgmlType,
  type GgufMetadata,
  type GgufValue,
  ggmlBytes,
  ggmlTypes,
  ggufValueTypes,
} from "./gguf-types.ts";

export interface GgufTensor {
  readonly name: string;
  readonly type: GgmlType;
  /** Row-major, outermost first, as in safetensors; the file has it the other way round. */
  readonly shape: readonly number[];
  /** The values, encoded, in parts of any size: called once, when its turn comes, so that one part is in memory at a time. */
  readonly parts: () => Iterable<Uint8Array>;
}

/**
 * Writes a GGUF file atomically.
 * @throws UserError when the disk is full or the folder cannot be written; an old file is then untouched.
 */
export function writeGguf(path: string, metadata: GgufMetadata, tensors: readonly GgufTensor[]): void {
  const head = headBytes(metadata, tensors);
  writeAtomically(path, (append) => {
    append(head);
    pad(append, head.length);
    for (const tensor of tensors) {
      const expected = byteLength(tensor);
      let written = 0;
      for (const part of tensor.parts()) {
        append(part);
        written += part.length;
      }
      if (written !== expected) {
        throw new RangeError(`"${tensor.name}" has ${written} bytes, its shape needs ${expected}`);
      }
      pad(append, written);
    }
  });
}

function byteLength({ type, shape }: GgufTensor): number {
  return ggmlBytes(
    type,
    shape.reduce((product, size) => product * size, 1),
  );
}

function pad(append: Append, length: number): void {
  append(new Uint8Array(aligned(length) - length));
}

function aligned(length: number): number {
  return Math.ceil(length / GGUF_ALIGNMENT) * GGUF_ALIGNMENT;
}

function headBytes(metadata: GgufMetadata, tensors: readonly GgufTensor[]): Uint8Array {
  const out = new ByteWriter();
  out.ascii(GGUF_MAGIC);
  out.u32(GGUF_VERSION);
  out.u64(tensors.length);
  out.u64(metadata.size);
  for (const [key, value] of metadata) {
    out.string(key);
    writeValue(out, value);
  }
  let offset = 0;
  for (const tensor of tensors) {
    out.string(tensor.name);
    out.u32(tensor.shape.length);
    for (const size of [...tensor.shape].reverse()) out.u64(size);
    out.u32(ggmlTypes[tensor.type].id);
    out.u64(offset);
    offset += aligned(byteLength(tensor));
  }
  return out.bytes();
}

function writeValue(out: ByteWriter, given: GgufValue): void {
  switch (given.type) {
    case "u32":
      out.u32(ggufValueTypes.u32);
      out.u32(given.value);
      break;
    case "f32":
      out.u32(ggufValueTypes.f32);
      out.f32(given.value);
      break;
    case "bool":
      out.u32(ggufValueTypes.bool);
      out.u8(given.value ? 1 : 0);
      break;
    case "string":
      out.u32(ggufValueTypes.string);
      out.string(given.value);
      break;
    case "string[]":
      writeArray(out, ggufValueTypes.string, given.value, (item) => out.string(item));
      break;
    case "i32[]":
      writeArray(out, ggufValueTypes.i32, given.value, (item) => out.i32(item));
      break;
    case "f32[]":
      writeArray(out, ggufValueTypes.f32, given.value, (item) => out.f32(item));
      break;
  }
}

function writeArray<T>(out: ByteWriter, type: number, items: readonly T[], write: (item: T) => void): void {
  out.u32(ggufValueTypes.array);
  out.u32(type);
  out.u64(items.length);
  for (const item of items) write(item);
}

/** Little-endian values one after the other, in memory that grows by doubling. */
class ByteWriter {
  #view = new DataView(new ArrayBuffer(2 ** 16));
  #length = 0;

  u8(value: number): void {
    const at = this.#take(1);
    this.#view.setUint8(at, value);
  }

  u32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value, true);
  }

  i32(value: number): void {
    const at = this.#take(4);
    this.#view.setInt32(at, value, true);
  }

  f32(value: number): void {
    const at = this.#take(4);
    this.#view.setFloat32(at, value, true);
  }

  u64(value: number): void {
    const at = this.#take(8);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  ascii(text: string): void {
    for (const character of text) this.u8(character.charCodeAt(0));
  }

  /** Length in bytes, and UTF-8. */
  string(text: string): void {
    const bytes = Buffer.from(text, "utf8");
    this.u64(bytes.length);
    const at = this.#take(bytes.length);
    new Uint8Array(this.#view.buffer).set(bytes, at);
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, 0, this.#length);
  }

  /** Room for `count` bytes, and where it begins. */
  #take(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#view.byteLength) {
      const larger = new Uint8Array(2 ** Math.ceil(Math.log2(this.#length)));
      larger.set(new Uint8Array(this.#view.buffer));
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
