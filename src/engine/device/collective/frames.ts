/**
 * What processes of a job say to each other over TCP: frames of a header (kind, number, length of what follows) and a
 * payload. A connection begins with a greeting that names version, job and rank; who does not know it is not listened to.
 */
export const frameKind = {
  hello: 1,
  welcome: 2,
  refused: 3,
  alive: 4,
  data: 5,
  failed: 6,
  lost: 7,
  goodbye: 8,
} as const;

export type FrameKind = (typeof frameKind)[keyof typeof frameKind];

export interface Frame {
  readonly kind: number;
  /** Of the operation that a payload belongs to: both sides count, and must agree. */
  readonly number: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** "FTL" and the version of this protocol: other programs, and other versions, are told by the first bytes. */
const MAGIC = 0x46544c01;
const HEADER_BYTES = 16;
/** Before a peer is known it may send a greeting, and nothing longer. */
export const MAX_GREETING: 4096 = 4096;
/** Of a frame; collectives cut what is longer. */
export const MAX_PAYLOAD: number = 2 ** 30;

export function frameHeader(kind: FrameKind, number: number, length: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  header.setUint32(0, MAGIC);
  header.setUint32(4, kind);
  header.setUint32(8, number);
  header.setUint32(12, length);
  return new Uint8Array(header.buffer);
}

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  /** Longest payload that is accepted. */
  limit: number = MAX_GREETING;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  #payload: Uint8Array<ArrayBuffer> | undefined;
  #payloadBytes = 0;

  /** @throws Error where the bytes are none of this protocol's */
  *push(chunk: Uint8Array): Generator<Frame> {
    let at = 0;
    while (at < chunk.length || this.#isWhole()) {
      if (this.#payload === undefined) at = this.#takeHeader(chunk, at);
      if (this.#payload === undefined) continue;
      const count = Math.min(chunk.length - at, this.#payload.length - this.#payloadBytes);
      this.#payload.set(chunk.subarray(at, at + count), this.#payloadBytes);
      this.#payloadBytes += count;
      at += count;
      if (!this.#isWhole()) continue;
      const header = new DataView(this.#header.buffer);
      const frame = { kind: header.getUint32(4), number: header.getUint32(8), payload: this.#payload };
      this.#payload = undefined;
      this.#headerBytes = 0;
      yield frame;
    }
  }

  #isWhole(): boolean {
    return this.#payload !== undefined && this.#payloadBytes === this.#payload.length;
  }

  #takeHeader(chunk: Uint8Array, at: number): number {
    const count = Math.min(chunk.length - at, HEADER_BYTES - this.#headerBytes);
    this.#header.set(chunk.subarray(at, at + count), this.#headerBytes);
    this.#headerBytes += count;
    if (this.#headerBytes === HEADER_BYTES) {
      const header = new DataView(this.#header.buffer);
      const length = header.getUint32(12);
      if (header.getUint32(0) !== MAGIC) throw new Error("it speaks another protocol");
      if (length > this.limit) throw new Error(`a frame of ${length} bytes`);
      this.#payload = new Uint8Array(length);
      this.#payloadBytes = 0;
    }
    return at + count;
  }
}
