import assert from "node:assert/strict";
import { test } from "node:test";
import { ReferenceDevice } from "../../device/reference/reference-device.ts";
import { scope } from "../../tensor/scope.ts";
import { fromHost, toFloats } from "../../tensor/tensor.ts";
import { ropeReference } from "./rope.reference.ts";
import { rope } from "./rope.ts";

const headDim = 8;

function turned(values: readonly number[], position: number): number[] {
  const angles = [1, 0.1, 0.01, 0.001].map((frequency) => position * frequency);
  return scope(() => {
    const device = new ReferenceDevice(ropeReference, { wide: true });
    const table = (of: (angle: number) => number) => fromHost(device, Float32Array.from(angles, of), [1, headDim / 2]);
    const x = fromHost(device, Float32Array.from(values), [1, headDim]);
    return [...toFloats(rope(x, table(Math.cos), table(Math.sin), 1))];
  });
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

test("products of turned vectors depend on the distance of their positions only", () => {
  const q = [1, -2, 3, 0.5, -1, 0.25, 2, 1.5];
  const k = [0.5, 1, -1, 2, 1.5, -0.75, 1, -2];
  const near = dot(turned(q, 9), turned(k, 4));
  assert.ok(Math.abs(near - dot(turned(q, 105), turned(k, 100))) < 1e-4);
  assert.ok(Math.abs(near - dot(q, k)) > 0.1);
});

test("element i turns with element i + headDim / 2", () => {
  const y = turned([1, 0, 0, 0, 0, 0, 0, 0], 1);
  assert.ok(Math.abs(y[0]! - Math.cos(1)) < 1e-6);
  assert.ok(Math.abs(y[4]! - Math.sin(1)) < 1e-6);
  assert.deepEqual([y[1], y[2], y[3], y[5], y[6], y[7]], [0, 0, 0, 0, 0, 0]);
});
