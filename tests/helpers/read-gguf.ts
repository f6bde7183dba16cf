/** Reads what `writeGguf` wrote, by the format's description and not by our writer's code. */
import { readFileSync } from "node:fs";

export interface ReadGguf {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, unknown>;
  /** Shapes are the file's: innermost first. */
  readonly tensors: ReadonlyMap<string, { readonly type: number; readonly shape: number[]; readonly offset: number }>;
  /** Where the first tensor's data begins. */
  readonly dataStart: number;
  readonly bytes: Buffer;
}

export function readGguf(path: string): ReadGguf {
  const bytes = readFileSync(path);
  let at = 0;
  /** Where the next `count` bytes begin. */
  const take = (count: number): number => {
    at += count;
    return at - count;
  };
  const u32 = (): number => bytes.readUInt32LE(take(4));
  const u64 = (): number => Number(bytes.readBigUInt64LE(take(8)));
  const string = (): string => {
    const length = u64();
    const begin = take(length);
    return bytes.toString("utf8", begin, begin + length);
  };
  const value = (type: number): unknown => {
    if (type === 4) return u32();
    if (type === 5) return bytes.readInt32LE(take(4));
    if (type === 6) return bytes.readFloatLE(take(4));
    if (type === 7) return bytes.readUInt8(take(1)) === 1;
    if (type === 8) return string();
    if (type !== 9) throw new Error(`unknown type ${type}`);
    const items = u32();
    return Array.from({ length: u64() }, () => value(items));
  };
  if (bytes.toString("latin1", take(4), 4) !== "GGUF") throw new Error("no GGUF file");
  const version = u32();
  const [tensorCount, valueCount] = [u64(), u64()];
  const metadata = new Map(Array.from({ length: valueCount }, () => [string(), value(u32())]));
  const tensors = new Map(
    Array.from({ length: tensorCount }, () => {
      const name = string();
      const shape = Array.from({ length: u32() }, u64);
      return [name, { shape, type: u32(), offset: u64() }];
    }),
  );
  return { version, metadata, tensors, dataStart: Math.ceil(at / 32) * 32, bytes };
}
