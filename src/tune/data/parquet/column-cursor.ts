import type { ColumnMetaData, DecodedArray, SchemaTree } from "hyparquet";
import { parquetHeader, readPage } from "hyparquet/src/column.js";
import { convert, DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { decompressPage } from "hyparquet/src/datapage.js";
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from "hyparquet/src/schema.js";
import type { ColumnDecoder, PageHeader } from "hyparquet/src/types.js";
import { messageOf, UserError } from "../../../base/errors.ts";
import type { RandomAccess } from "../random-access.ts";
import { checkPageSize, checkRuns, type Levels } from "./check-page.ts";
import { checkThrift } from "./check-thrift.ts";
import { compressors } from "./decompress.ts";
import { brokenParquet } from "./footer.ts";
import { parsers } from "./plain-value.ts";

/** Headers hold the smallest and largest value of a page, which may be long texts. */
const headerWindows = [4 * 1024, 256 * 1024, 16 * 1024 ** 2] as const;

/**
 * The values of one column of a row group, a page at a time, so that memory holds pages and not row groups. Values of
 * nested columns come as lists of lists, a row's at a time, as `assembleNested` wants them.
 */
export class ColumnCursor {
  /** `conversations.list.element.value` */
  readonly path: string;
  readonly #file: RandomAccess;
  readonly #codec: ColumnMetaData["codec"];
  readonly #decoder: ColumnDecoder;
  readonly #levels: Levels;
  readonly #where: string;
  #at: number;
  readonly #end: number;
  #dictionary: DecodedArray | undefined;
  /** Rows that are whole, from `#taken` on. */
  #rows: unknown[] = [];
  #taken = 0;
  /** The last row of a page, which may go on in the next one. */
  #tail: unknown[] = [];

  /** @param where the file and row group, for errors */
  constructor(file: RandomAccess, column: ColumnMetaData, schemaPath: SchemaTree[], where: string) {
    this.path = column.path_in_schema.join(".");
    this.#file = file;
    this.#where = `${where}, column ${this.path}`;
    this.#codec = column.codec;
    this.#levels = {
      repetition: getMaxRepetitionLevel(schemaPath),
      definition: getMaxDefinitionLevel(schemaPath),
    };
    this.#decoder = {
      pathInSchema: column.path_in_schema,
      type: column.type,
      element: schemaPath.at(-1)!.element,
      schemaPath,
      // Pages are unpacked here.
      codec: "UNCOMPRESSED",
      parsers: { ...DEFAULT_PARSERS, ...parsers },
      utf8: false,
    };
    // Some writers put the dictionary first without saying so.
    const starts = [column.dictionary_page_offset, column.data_page_offset].map(Number).filter((start) => start > 0);
    this.#at = Math.min(...starts);
    this.#end = this.#at + Number(column.total_compressed_size);
    if (!(this.#at >= 4 && this.#end >= this.#at && this.#end <= file.size)) {
      throw brokenParquet("a column lies outside of the file", this.#where);
    }
  }

  /** How many rows there are to be taken; reads on where there is none. @throws UserError for a damaged page */
  async available(): Promise<number> {
    while (this.#taken === this.#rows.length && this.#at < this.#end) await this.#readPage();
    if (this.#taken === this.#rows.length && this.#tail.length > 0) this.#keep(this.#tail.splice(0));
    return this.#rows.length - this.#taken;
  }

  /** The next rows, at most as many as are available. */
  take(count: number): unknown[] {
    this.#taken += count;
    return this.#rows.slice(this.#taken - count, this.#taken);
  }

  #keep(rows: unknown[]): void {
    this.#rows = rows;
    this.#taken = 0;
  }

  async #readPage(): Promise<void> {
    try {
      const { header, length } = await this.#readHeader();
      checkPageSize(header);
      if (length + header.compressed_page_size > this.#end - this.#at)
        throw new RangeError("a page ends outside of it");
      const packed = await this.#file.read(this.#at + length, header.compressed_page_size);
      this.#at += length + header.compressed_page_size;
      if (header.type === "DICTIONARY_PAGE" || header.type === "DATA_PAGE" || header.type === "DATA_PAGE_V2") {
        this.#decode(header, packed);
      }
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw brokenParquet(messageOf(error), this.#where, error);
    }
  }

  async #readHeader(): Promise<{ header: PageHeader; length: number }> {
    const rest = this.#end - this.#at;
    for (const window of headerWindows) {
      const bytes = await this.#file.read(this.#at, Math.min(window, rest));
      try {
        const length = checkThrift(bytes, 0);
        return { header: parquetHeader({ view: viewOf(bytes), offset: 0 }), length };
      } catch (error) {
        if (window >= rest || window === headerWindows.at(-1)) throw error;
      }
    }
    throw new RangeError("a page has no header");
  }

  #decode(header: PageHeader, packed: Buffer): void {
    const page = this.#unpack(header, packed);
    const size = page.length;
    const plain: PageHeader = {
      ...header,
      uncompressed_page_size: size,
      compressed_page_size: size,
      ...(header.data_page_header_v2 && {
        data_page_header_v2: { ...header.data_page_header_v2, is_compressed: false },
      }),
    };
    const reader = { view: viewOf(page), offset: 0 };
    if (header.type === "DICTIONARY_PAGE") {
      const { data = [] } = readPage(reader, plain, this.#decoder, undefined, undefined, 0);
      this.#dictionary = convert(data, this.#decoder);
      return;
    }
    const values = header.data_page_header?.num_values ?? header.data_page_header_v2!.num_values;
    if (values === 0) return;
    checkRuns(page, header, this.#levels);
    const before = this.#levels.repetition > 0 ? this.#tail : undefined;
    const { data = [] } = readPage(reader, plain, this.#decoder, this.#dictionary, before, 0);
    const rows = Array.from(data as ArrayLike<unknown>);
    this.#tail = before === undefined ? [] : rows.splice(-1);
    this.#keep(rows);
  }

  #unpack(header: PageHeader, packed: Buffer): Buffer {
    const v2 = header.data_page_header_v2;
    if (header.type !== "DATA_PAGE_V2" || v2 === undefined) {
      return bufferOf(decompressPage(packed, header.uncompressed_page_size, this.#codec, compressors));
    }
    const levels = v2.repetition_levels_byte_length + v2.definition_levels_byte_length;
    if (!(levels >= 0 && levels <= packed.length)) throw new RangeError("levels reach beyond their page");
    if (v2.is_compressed === false) return packed;
    const size = header.uncompressed_page_size - levels;
    const values = decompressPage(packed.subarray(levels), size, this.#codec, compressors);
    return Buffer.concat([packed.subarray(0, levels), values]);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
