import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { messageOf } from "../../../base/errors.ts";
import { brokenStream, type Unpacker } from "./unpacker.ts";

/** gzip (RFC 1952), several members one after the other included. */
export const gzip: Unpacker = {
  recognises: (head) => head[0] === 0x1f && head[1] === 0x8b,
  async *unpack(chunks, where) {
    const packed = Readable.from(chunks, { objectMode: false });
    const unpacker = createGunzip({ chunkSize: 256 * 1024 });
    packed.on("error", (error) => unpacker.destroy(error));
    let size = 0;
    try {
      for await (const chunk of packed.pipe(unpacker)) {
        size += (chunk as Buffer).length;
        yield chunk as Buffer;
      }
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === undefined || !code.startsWith("Z_")) throw error;
      throw brokenStream("gzip", code === "Z_BUF_ERROR" ? undefined : messageOf(error), size, where, error);
    } finally {
      packed.destroy();
      unpacker.destroy();
    }
  },
};
