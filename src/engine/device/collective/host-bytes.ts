import type { BufferView } from "../device.ts";

/** The bytes of a view themselves, of a device whose memory is the host's. */
export type HostBytes = (view: BufferView) => Uint8Array;

/** In parts of at most so many bytes. */
export function* partsOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, Math.min(at + size, bytes.length));
}
