import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { loggedRecord, logHeader } from "./log-file.ts";

test("records within blocks, across them, and at their very ends have the bytes of W&B's own DataStore", () => {
  const parts: Uint8Array[] = [logHeader];
  let length = logHeader.length;
  for (const [i, size] of [1, 40_000, 25_473, 3, 32_761, 70_000, 32_750, 1].entries()) {
    const data = Uint8Array.from({ length: size }, (_, j) => (j * 7 + i) % 251);
    const part = loggedRecord(data, length);
    parts.push(part);
    length += part.length;
  }
  const file = Buffer.concat(parts);
  assert.equal(file.length, 201_094);
  // Of the file that wandb 0.19.11 makes of the same records.
  const expected = "e91e34c40e41d3f337cb572a831028c27c8dd2c671371584e7c58a171d447bc4";
  assert.equal(createHash("sha256").update(file).digest("hex"), expected);
});
