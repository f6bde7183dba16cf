import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBf16 } from "../device/bf16.ts";
import { openReferenceDevice } from "../open-device.ts";
import { embedding } from "../ops/embedding/embedding.ts";
import { scope } from "../tensor/scope.ts";
import { fromHost, toFloats } from "../tensor/tensor.ts";
import { HostRows } from "./host-rows.ts";

test("rows from the host are those of the table on the device", () => {
  const device = openReferenceDevice();
  const values = encodeBf16(Float32Array.from({ length: 11 * 6 }, (_, i) => Math.sin(i)));
  const ids = Int32Array.of(3, 0, 10, 3, 7);
  scope(() => {
    const expected = embedding(fromHost(device, values, [11, 6]), fromHost(device, ids));
    const rows = new HostRows([11, 6], values).embed(device, ids);
    assert.deepEqual(rows.shape, [5, 6]);
    assert.deepEqual(toFloats(rows), toFloats(expected));
  });
});
