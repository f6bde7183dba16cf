/** TFRecord framing: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details */
import { crc32c } from "./crc32c.ts";

/** Length, its checksum, the data, its checksum. */
export function framedRecord(data: Uint8Array): Buffer {
  const record = Buffer.alloc(data.length + 16);
  record.writeBigUInt64LE(BigInt(data.length));
  record.writeUInt32LE(masked(crc32c(record.subarray(0, 8))), 8);
  record.set(data, 12);
  record.writeUInt32LE(masked(crc32c(data)), 12 + data.length);
  return record;
}

/** So that the checksum of data that holds checksums tells something. */
function masked(checksum: number): number {
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}
