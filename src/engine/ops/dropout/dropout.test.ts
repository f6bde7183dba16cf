import assert from "node:assert/strict";
import { test } from "node:test";
import { ReferenceDevice } from "../../device/reference/reference-device.ts";
import { scope } from "../../tensor/scope.ts";
import { fromHost, toFloats } from "../../tensor/tensor.ts";
import { dropoutReference } from "./dropout.reference.ts";
import { dropout } from "./dropout.ts";

const length = 100_000;

/** 1 where kept. */
function mask(p: number, seed: number, counter: number): number[] {
  return scope(() => {
    const device = new ReferenceDevice(dropoutReference);
    const ones = fromHost(device, new Float32Array(length).fill(1));
    return Array.from(toFloats(dropout(ones, p, seed, counter)), (value) => (value === 0 ? 0 : 1));
  });
}

const share = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Five standard deviations of a share of `length` draws. */
const margin = (p: number): number => 5 * Math.sqrt((p * (1 - p)) / length);

for (const p of [0.01, 0.1, 0.5]) {
  test(`keeps a share of ${1 - p}`, () => {
    assert.ok(Math.abs(share(mask(p, 42, 0)) - (1 - p)) < margin(p));
  });
}

test("keeps the mean by scaling what it keeps", () => {
  scope(() => {
    const device = new ReferenceDevice(dropoutReference);
    const y = toFloats(dropout(fromHost(device, new Float32Array(8).fill(3)), 0.25, 1, 0));
    assert.deepEqual(new Set(y), new Set([0, 4]));
  });
});

test("masks of other seeds, and of one seed further on, are independent", () => {
  const first = mask(0.5, 7, 0);
  for (const other of [mask(0.5, 8, 0), mask(0.5, 7, length), first.slice(1)]) {
    const agreement = share(other.map((value, i) => (value === first[i] ? 1 : 0)));
    assert.ok(Math.abs(agreement - 0.5) < margin(0.5), `${agreement} of the elements agree`);
  }
});

test("a mask is a window on the stream of its seed", () => {
  assert.deepEqual(mask(0.3, 7, 1000).slice(0, 500), mask(0.3, 7, 0).slice(1000, 1500));
});
