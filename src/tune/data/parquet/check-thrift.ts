const deepest = 64;

/** Ways of writing a value in Thrift's compact protocol. */
const kinds = {
  stop: 0,
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  struct: 12,
};

/**
 * Walks over a structure in Thrift's compact protocol before the library builds it: a list that says it has a billion
 * members would be allocated as one.
 * @returns where it ends
 * @throws RangeError when it ends too early, or a list cannot have as many members as it says
 */
export function checkThrift(bytes: Uint8Array, start: number): number {
  let at = start;
  const byte = (): number => {
    if (at >= bytes.length) throw new RangeError("it ends within a structure");
    return bytes[at++]!;
  };
  const varint = (): number => {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      const next = byte();
      value += (next & 0x7f) * 2 ** (7 * i);
      if (next < 0x80) return value;
    }
    throw new RangeError("a number has more than 64 bits");
  };
  const skip = (length: number): void => {
    if (length > bytes.length - at) throw new RangeError("it ends within a value");
    at += length;
  };
  const value = (kind: number, depth: number, inList: boolean): void => {
    if (depth > deepest) throw new RangeError(`it is nested more than ${deepest} deep`);
    if (kind === kinds.true || kind === kinds.false) {
      if (inList) skip(1);
    } else if (kind === kinds.byte) skip(1);
    else if (kind === kinds.i16 || kind === kinds.i32 || kind === kinds.i64) varint();
    else if (kind === kinds.double) skip(8);
    else if (kind === kinds.binary) skip(varint());
    else if (kind === kinds.list) {
      const head = byte();
      const count = head >> 4 === 15 ? varint() : head >> 4;
      // Every member takes a byte at least.
      if (count > bytes.length - at) throw new RangeError(`a list says it has ${count} members`);
      for (let i = 0; i < count; i++) value(head & 15, depth + 1, true);
    } else if (kind === kinds.struct) struct(depth + 1);
    else throw new RangeError("a value is of no known kind");
  };
  const struct = (depth: number): void => {
    for (;;) {
      const head = byte();
      if ((head & 15) === kinds.stop) return;
      if (head >> 4 === 0) varint();
      value(head & 15, depth, false);
    }
  };
  struct(0);
  return at;
}
