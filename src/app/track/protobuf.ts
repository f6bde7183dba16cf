/** Protocol buffers, as far as trackers' files need them: https://protobuf.dev/programming-guides/encoding */

/** A message, field by field. */
export class ProtoMessage {
  readonly #parts: Uint8Array[] = [];

  /** int32, int64, uint64, bool or enum. @param value not negative */
  integer(field: number, value: number): this {
    this.#parts.push(varint(field * 8), varint(value));
    return this;
  }

  double(field: number, value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.#parts.push(varint(field * 8 + 1), bytes);
    return this;
  }

  float(field: number, value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    this.#parts.push(varint(field * 8 + 5), bytes);
    return this;
  }

  /** Text, bytes, or a message within this one. */
  bytes(field: number, value: string | Uint8Array | ProtoMessage): this {
    const bytes = value instanceof ProtoMessage ? value.encode() : Buffer.from(value as string);
    this.#parts.push(varint(field * 8 + 2), varint(bytes.length), bytes);
    return this;
  }

  encode(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
