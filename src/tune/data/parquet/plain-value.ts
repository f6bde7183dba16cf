import { isUtf8 } from "node:buffer";
import type { ParquetParsers } from "hyparquet";

/** Dates and times as ISO 8601 text, JSON as what it says where it says anything. */
export const parsers: Partial<ParquetParsers> = {
  dateFromDays: (days: number | undefined) => isoOf(days === undefined ? undefined : days * 86_400_000, 10),
  timestampFromMilliseconds: (millis: bigint | undefined) => isoOf(millis),
  timestampFromMicroseconds: (micros: bigint | undefined) => isoOf(micros === undefined ? undefined : micros / 1000n),
  timestampFromNanoseconds: (nanos: bigint | undefined) => isoOf(nanos === undefined ? undefined : nanos / 1_000_000n),
  jsonFromBytes(bytes: Uint8Array | undefined) {
    if (bytes === undefined) return undefined;
    const text = Buffer.from(bytes).toString("utf8");
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  },
};

function isoOf(millis: bigint | number | undefined, length?: number): string | undefined {
  if (millis === undefined) return undefined;
  const date = new Date(Number(millis));
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString().slice(0, length);
}

/** How much text the values of a row hold. */
export interface Meter {
  characters: number;
  /** Values that are bytes and no text. */
  binary: number;
}

/**
 * A value as JSON would have it: whole numbers of 64 bits as numbers where these are exact and as text where not, bytes
 * as text where they are UTF-8 and null where not.
 */
export function plainValue(value: unknown, meter: Meter): unknown {
  if (typeof value === "string") {
    meter.characters += value.length;
    return value;
  }
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (value === undefined || value === null || typeof value !== "object") return value ?? null;
  if (value instanceof Uint8Array) {
    if (isUtf8(value) && !value.includes(0)) return plainValue(Buffer.from(value).toString("utf8"), meter);
    meter.binary++;
    return null;
  }
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    return Array.from(value as ArrayLike<unknown>, (member) => plainValue(member, meter));
  }
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plainValue(member, meter)]));
}
