import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { frameHeader, repeatedZstd, storedZstd } from "../../../../tests/helpers/stored-zstd.ts";
import { UserError } from "../../../base/errors.ts";
import { readBytes } from "../bytes.ts";
import type { Source } from "../source.ts";

/** 200 lines, packed by Python's zstandard 0.25 (`ZstdCompressor(level=3, write_checksum=True)`). */
const packed = Buffer.from(
  "KLUv/WTCKJUKAHLPJhmQJ2kDu7r6CHOGwfn/zN/dvVMmkJGwK2JwmZmZmZmIiIiIiHd3d3d3ZmZmZmZVVVVVVf///79t27bdtm3bEhEREVEppZRSSimU" +
    "mZmZmYmIiIiIeHd3d3dnZmZmZlZVVVVV9f///9u2bdtt27YtEREREZ00eM7YKfNj00OEA2IK4piCDABCQBSGwjCjMDDKIAQMBRkB5FBAHIhBgNSoIfAK" +
    "O3sHoJOkXA0SYBD4EQQyBP8YAoVg/qQllRRJJS1VSUuq0pJKmqSSlqikJRVpSSVNUklLVNKSirSkkiappAWvPhCFKfMqKVdJtUoWq6RWJaUqqVTJQpXU" +
    "qWRFphJJymSSmZRkJpOZySRzMslMSjKTicxkkimZZCYlmclEZjLJlEykAoUCZQKNBEoEEgiUBxQH5KQBFYOR/C8M8/5Xhrl/KzOY5zbzTw1QzwKABfwq" +
    "PQ5MNA==",
  "base64",
);
const lines = Array.from(
  { length: 200 },
  (_, i) => `{"text": "line ${i} of a file of lines", "label": "${"ab"[i % 2]}"}\n`,
).join("");

/** @param chunk bytes that the file comes in at a time */
async function unpacked(content: Buffer, chunk: number = content.length): Promise<string> {
  const source: Source = {
    name: "file",
    path: undefined,
    async *open() {
      for (let i = 0; i < content.length; i += chunk) yield content.subarray(i, i + chunk);
    },
  };
  const chunks: Buffer[] = [];
  for await (const piece of readBytes(source)) chunks.push(piece);
  return Buffer.concat(chunks).toString();
}

async function refused(content: Buffer, says: RegExp): Promise<void> {
  await assert.rejects(unpacked(content), (error) => error instanceof UserError && says.test(error.describe()));
}

describe("zstd", () => {
  it("what another program packed, in chunks of any size", async () => {
    for (const chunk of [1, 7, 100, 1000]) assert.equal(await unpacked(packed, chunk), lines);
  });

  it("frames one after the other, with an empty one and one to be skipped", async () => {
    const skippable = Buffer.from("\x5a\x2a\x4d\x18\x03\0\0\0abc", "latin1");
    const large = Buffer.from("x".repeat(300_000));
    const frames = [skippable, packed, storedZstd(Buffer.alloc(0)), skippable, storedZstd(large)];
    assert.equal(await unpacked(Buffer.concat(frames), 1000), lines + large.toString());
  });

  it("cut off anywhere but between frames", async () => {
    for (const end of [5, 20, 200, packed.length - 1]) {
      await refused(packed.subarray(0, end), /the zstd stream ends too early, after \d+ bytes/);
    }
  });

  it("damaged, or followed by something else", async () => {
    await refused(Buffer.concat([packed.subarray(0, 20), Buffer.alloc(400, 0xaa)]), /the zstd stream is damaged/);
    await refused(Buffer.concat([packed, Buffer.from("more")]), /is damaged \(what follows is no frame\)/);
  });

  it("expands without bound, needs gigabytes, or a dictionary", async () => {
    await refused(repeatedZstd(0x20, 2000), /unpack to more than 200 times as many/);
    await refused(Buffer.concat([frameHeader(31), Buffer.of(1, 0, 0)]), /needs a window of 2147483648 bytes/);
    await refused(Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 1, 56, 9, 1, 0, 0), /packed by zstd with a dictionary/);
  });
});
