import { UserError } from "../../../base/errors.ts";

/** One way of packing a file. */
export interface Unpacker {
  /** @param head the first eight bytes, or all there are */
  recognises(head: Buffer): boolean;
  /**
   * The content, as a stream; how far it may expand is bounded by who asks.
   * @param where for errors
   * @throws UserError when the stream is damaged or ends too early
   */
  unpack(chunks: AsyncGenerator<Buffer>, where: string): AsyncGenerator<Buffer>;
}

/** The code of the error that `brokenStream` makes. */
export const brokenStreamCode = "data/broken-stream";

/** @param damage what is wrong with it; undefined when it just ends too early */
export function brokenStream(
  kind: string,
  damage: string | undefined,
  bytes: number,
  where: string,
  cause?: unknown,
): UserError {
  return new UserError({
    code: brokenStreamCode,
    message: `the ${kind} stream ${damage === undefined ? "ends too early" : `is damaged (${damage})`}, after ${bytes} bytes of text`,
    where,
    fix: "get the file again; its size or checksum is not what its source says",
    cause,
  });
}
