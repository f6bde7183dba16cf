import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import type { PageHeader } from "hyparquet/src/types.js";

/** Values of a page: far more than writers put in one, and what fits into memory as a JavaScript array. */
const maxValues = 4 * 1024 ** 2;
/** A page holds at least one value whole, and may hold a thousand large ones. */
export const maxPageBytes: number = 256 * 1024 ** 2;

/** Deepest levels of a column: how often it may repeat, and be absent. */
export interface Levels {
  readonly repetition: number;
  readonly definition: number;
}

/** @throws RangeError when a page says it is larger than pages are */
export function checkPageSize(header: PageHeader): void {
  const { uncompressed_page_size: unpacked, compressed_page_size: packed } = header;
  if (!(packed >= 0 && unpacked >= 0)) throw new RangeError("a page has no size");
  if (packed > maxPageBytes || unpacked > maxPageBytes) {
    throw new RangeError(`a page of ${Math.max(packed, unpacked)} bytes is more than ${maxPageBytes}`);
  }
  const { data_page_header: v1, data_page_header_v2: v2, dictionary_page_header: dictionary } = header;
  const values = v1?.num_values ?? v2?.num_values ?? dictionary?.num_values ?? 0;
  if (!(values >= 0 && values <= maxValues)) throw new RangeError(`a page says it has ${values} values`);
}

/**
 * Walks over the runs of a page before the library writes them out: a run of six bytes may say that it has a billion
 * values.
 * @param page unpacked
 * @throws RangeError when runs have more values than the page
 */
export function checkRuns(page: Buffer, header: PageHeader, levels: Levels): void {
  const { data_page_header: v1, data_page_header_v2: v2 } = header;
  const values = v1?.num_values ?? v2!.num_values;
  let at = 0;
  const runs = (width: number, length: number): void => {
    if (length < 0 || at + length > page.length) throw new RangeError("levels reach beyond their page");
    walkRuns(page.subarray(at, at + length), width, values);
    at += length;
  };
  if (v2 !== undefined) {
    runs(bits(levels.repetition), v2.repetition_levels_byte_length);
    runs(bits(levels.definition), v2.definition_levels_byte_length);
  } else {
    for (const level of [levels.repetition, levels.definition]) {
      if (level === 0) continue;
      const length = page.readUInt32LE(at);
      at += 4;
      runs(bits(level), length);
    }
  }
  const encoding = v1?.encoding ?? v2!.encoding;
  if (encoding === "PLAIN_DICTIONARY" || encoding === "RLE_DICTIONARY") {
    const width = page[at++] ?? 0;
    if (width > 32) throw new RangeError("a dictionary has more than 2^32 entries");
    if (width > 0) runs(width, page.length - at);
  } else if (encoding === "RLE") {
    const length = page.readUInt32LE(at);
    at += 4;
    runs(1, length);
  } else if (encoding === "DELTA_BYTE_ARRAY") checkPrefixes(page, at, values);
}

function walkRuns(bytes: Buffer, width: number, values: number): void {
  let left = values;
  for (let at = 0; at < bytes.length && left > 0; ) {
    let head = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 28) throw new RangeError("a run has no end");
      head += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    const count = head % 2 === 1 ? Math.floor(head / 2) * 8 : head / 2;
    // The last packed run is filled up to eight values.
    if (count > left + 7) throw new RangeError(`a run of ${count} values in a page of ${values}`);
    at += head % 2 === 1 ? (count / 8) * width : Math.ceil(width / 8);
    left -= count;
    if (count === 0 && head % 2 === 0 && width === 0) return;
  }
}

/** Each text may begin with as much of the one before as it likes: a short page could stand for any amount. */
function checkPrefixes(page: Buffer, at: number, values: number): void {
  const lengths = new Int32Array(values);
  if (values === 0) return;
  deltaBinaryUnpack({ view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: at }, values, lengths);
  let total = page.length;
  for (const length of lengths) total += length;
  if (total > maxPageBytes) throw new RangeError(`a page of ${total} bytes is more than ${maxPageBytes}`);
}

function bits(level: number): number {
  return 32 - Math.clz32(level);
}
