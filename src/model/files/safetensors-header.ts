import { UserError } from "../../base/errors.ts";
import {
  describeJson,
  endOfString,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJsonObject,
} from "./json-file.ts";
import {
  isSafetensorsDtype,
  SAFETENSORS_DTYPE_BITS,
  type SafetensorsDtype,
  tensorByteLength,
} from "./safetensors-dtype.ts";

/** Longest header the reference implementation accepts, in bytes. */
export const MAX_HEADER_BYTES: number = 100_000_000;
/** Far above any published model; keeps the memory of a hostile header in bounds. */
export const MAX_TENSORS: number = 1 << 18;
/** The header is an object of objects of lists; text that nests deeper is refused before it is parsed. */
const MAX_DEPTH = 3;

export interface TensorInfo {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** First byte, and the byte after the last, relative to the start of the data. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Parses and validates the JSON header: known dtypes, sane shapes, byte ranges that cover the data exactly, no name
 * twice.
 * @param dataBytes size of the data that follows the header.
 * @throws UserError naming file and tensor.
 */
export function parseSafetensorsHeader(text: string, dataBytes: number, path: string): SafetensorsHeader {
  if (!text.startsWith("{")) throw invalid(path, "the header does not start with {");
  const strings = countStrings(text, path);
  const json = parseJsonObject(text, `${path} (header)`);
  const metadata = new Map<string, string>();
  const tensors = new Map<string, TensorInfo>();
  let expectedStrings = 0;
  for (const [name, value] of Object.entries(json)) {
    if (!isJsonObject(value)) throw invalid(path, `the entry must be an object, not ${describeJson(value)}`, name);
    expectedStrings += 1;
    if (name === "__metadata__") {
      for (const [key, text] of Object.entries(value)) {
        if (typeof text !== "string") {
          throw invalid(path, `metadata "${key}" must be a string, not ${describeJson(text)}`, name);
        }
        metadata.set(key, text);
        expectedStrings += 2;
      }
    } else {
      tensors.set(name, parseTensor(name, value, path));
      // The keys dtype, shape and data_offsets, and the value of dtype.
      expectedStrings += 4;
    }
  }
  // JSON.parse keeps the last of several equal keys; the strings that are left over give them away.
  if (strings !== expectedStrings) throw invalid(path, "a name or a key stands in the header more than once");
  checkCoverage(tensors, dataBytes, path);
  return { tensors, metadata };
}

/** Counts string literals, refusing text that nests too deeply or holds too many entries, before any parsing. */
function countStrings(text: string, path: string): number {
  let strings = 0;
  let depth = 0;
  let entries = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      strings++;
      i = endOfString(text, i);
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > MAX_DEPTH) throw invalid(path, "the header is nested too deeply");
      if (depth === 2 && ++entries > MAX_TENSORS) {
        throw invalid(path, `the header names more than ${MAX_TENSORS} tensors`);
      }
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    }
  }
  return strings;
}

function parseTensor(name: string, entry: JsonObject, path: string): TensorInfo {
  for (const key of Object.keys(entry)) {
    if (key !== "dtype" && key !== "shape" && key !== "data_offsets") throw invalid(path, `unknown key "${key}"`, name);
  }
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isSafetensorsDtype(dtype)) {
    const known = Object.keys(SAFETENSORS_DTYPE_BITS).join(", ");
    throw invalid(path, `dtype is ${describeJson(dtype)}; known are ${known}`, name);
  }
  if (!isSizeList(shape)) throw invalid(path, "shape must be a list of non-negative whole numbers", name);
  if (!isSizeList(offsets) || offsets.length !== 2) {
    throw invalid(path, "data_offsets must be two non-negative whole numbers", name);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = tensorByteLength(dtype, shape);
  if (end - begin !== bytes) {
    throw invalid(path, `${dtype} [${shape.join(", ")}] does not fill the bytes ${begin} to ${end}`, name);
  }
  return { dtype, shape, begin, end };
}

function isSizeList(value: JsonValue | undefined): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}

function checkCoverage(tensors: ReadonlyMap<string, TensorInfo>, dataBytes: number, path: string): void {
  const ordered = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const [name, { begin, end }] of ordered) {
    if (end > dataBytes) {
      throw invalid(path, `the tensor ends at byte ${end} of the data, the file holds only ${dataBytes}`, name);
    }
    if (begin < position) throw invalid(path, "the tensor overlaps another one", name);
    if (begin > position) throw invalid(path, `bytes ${position} to ${begin} before it belong to no tensor`, name);
    position = end;
  }
  if (position < dataBytes) throw invalid(path, `${dataBytes - position} bytes at the end belong to no tensor`);
}

/** The UserError for a damaged or hostile safetensors file. */
export function invalid(path: string, reason: string, tensor?: string): UserError {
  const shown = tensor === undefined ? "" : ` (tensor "${tensor.length > 120 ? `${tensor.slice(0, 120)}…` : tensor}")`;
  return new UserError({
    code: "files/bad-safetensors",
    message: `not a valid safetensors file: ${reason}`,
    where: `${path}${shown}`,
    fix: "the file is cut off or damaged: download or save it again",
  });
}
