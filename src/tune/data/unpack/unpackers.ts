import { gzip } from "./gzip.ts";
import type { Unpacker } from "./unpacker.ts";
import { zstd } from "./zstd.ts";

/** Every way of packing that is undone while reading, recognised by its first bytes. */
export const unpackers: readonly Unpacker[] = [gzip, zstd];
