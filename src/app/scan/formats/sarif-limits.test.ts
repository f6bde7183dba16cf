import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { withinLimits } from "./sarif-limits.ts";

test("a file that GitHub would refuse for its size holds fewer results", () => {
  const noise = randomBytes(12_000_000).toString("base64");
  const { text, notes } = withinLimits(1000, (count) => noise.slice(0, (noise.length / 1000) * count));
  assert.equal(text.length, noise.length / 2);
  assert.ok(gzipSync(text).length < 10_000_000);
  assert.match(notes[0]!, /^sarif: 500 findings of 1000 left out/);
});

test("what GitHub takes but does not show is told", () => {
  assert.deepEqual(withinLimits(5000, () => "").notes, []);
  assert.deepEqual(withinLimits(5001, () => "").notes, ["sarif: GitHub shows the 5000 gravest of 5001 results"]);
});
