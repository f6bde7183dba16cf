import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import { fileError } from "./file-error.ts";
import { invalid, MAX_HEADER_BYTES, parseSafetensorsHeader, type TensorInfo } from "./safetensors-header.ts";

export type { TensorInfo } from "./safetensors-header.ts";

/** Linux moves at most 2 GiB - 4 KiB in one read. */
const MAX_READ_BYTES = 1 << 30;

/** An open safetensors file: the header is in memory, tensors are read on demand. */
export class SafetensorsFile implements Disposable {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The `__metadata__` strings. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly #descriptor: number;
  readonly #dataStart: number;
  #open = true;

  constructor(
    path: string,
    descriptor: number,
    dataStart: number,
    tensors: ReadonlyMap<string, TensorInfo>,
    metadata: ReadonlyMap<string, string>,
  ) {
    this.path = path;
    this.#descriptor = descriptor;
    this.#dataStart = dataStart;
    this.tensors = tensors;
    this.metadata = metadata;
  }

  /** @throws UserError listing near names when there is no such tensor. */
  info(name: string): TensorInfo {
    const info = this.tensors.get(name);
    if (info !== undefined) return info;
    throw new UserError({
      code: "files/no-tensor",
      message: `there is no tensor "${name}"`,
      where: this.path,
      fix: suggestName(name, [...this.tensors.keys()]),
    });
  }

  /** The raw bytes of one tensor: row-major, little-endian, in an `ArrayBuffer` of their own. */
  read(name: string): Uint8Array<ArrayBuffer> {
    const { begin, end } = this.info(name);
    const bytes = new Uint8Array(end - begin);
    this.readInto(name, 0, bytes);
    return bytes;
  }

  /** Fills `target` with a tensor's bytes from byte `from` of it on. */
  readInto(name: string, from: number, target: Uint8Array): void {
    const { begin, end } = this.info(name);
    if (begin + from + target.length > end)
      throw new RangeError(`"${name}" has no ${target.length} bytes from ${from}`);
    readExactly(this.#descriptor, target, this.#dataStart + begin + from, this.path);
  }

  /** Closes the file; reading afterwards is an error. Closing twice is fine. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#descriptor);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a safetensors file, reading and validating its header only. Memory is bounded by the header's size, which is
 * checked against the file's before anything is allocated.
 * @throws UserError naming the file, the tensor and what is wrong.
 */
export function openSafetensors(path: string): SafetensorsFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    throw fileError("read", path, error);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw invalid(path, "this is not an ordinary file");
    if (stat.size < 8) throw invalid(path, `${stat.size} bytes are too few for a header`);
    const prefix = new Uint8Array(8);
    readExactly(descriptor, prefix, 0, path);
    const headerBytes = Number(new DataView(prefix.buffer).getBigUint64(0, true));
    if (headerBytes > MAX_HEADER_BYTES || headerBytes > stat.size - 8) {
      throw invalid(path, `it claims a header of ${headerBytes} bytes in a file of ${stat.size}`);
    }
    const header = new Uint8Array(headerBytes);
    readExactly(descriptor, header, 8, path);
    const { tensors, metadata } = parseSafetensorsHeader(decode(header, path), stat.size - 8 - headerBytes, path);
    return new SafetensorsFile(path, descriptor, 8 + headerBytes, tensors, metadata);
  } catch (error) {
    closeSync(descriptor);
    throw fileError("read", path, error);
  }
}

function decode(header: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(header);
  } catch {
    throw invalid(path, "the header is not UTF-8 text");
  }
}

/** Fills `target` from `position` of the file on. */
function readExactly(descriptor: number, target: Uint8Array, position: number, path: string): void {
  let done = 0;
  while (done < target.length) {
    const wanted = Math.min(target.length - done, MAX_READ_BYTES);
    const count = readSync(descriptor, target, done, wanted, position + done);
    if (count === 0) throw invalid(path, "the file became shorter while it was read");
    done += count;
  }
}
