import assert from "node:assert/strict";
import { test } from "node:test";
import { EncoderPool } from "./encoder-pool.ts";
import { encodeQ4K } from "./q4-k.ts";

test("threads give the bytes that one gives, in order, also of a last part that is shorter", () => {
  const values = Float32Array.from({ length: 2 ** 18 * 5 + 256 * 3 }, (_, i) => Math.sin(i * 0.37) * (i % 911));
  using pool = new EncoderPool(2);
  for (const length of [values.length, 256]) {
    const part = values.subarray(0, length);
    assert.ok(Buffer.concat([...pool.encode(part)]).equals(Buffer.from(encodeQ4K(part).buffer)));
  }
});
