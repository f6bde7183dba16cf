import assert from "node:assert/strict";
import { test } from "node:test";
import { openDevice } from "../../open-device.ts";
import { scope } from "../../tensor/scope.ts";
import { empty, toFloats } from "../../tensor/tensor.ts";
import { fillNormal } from "./random.ts";

const { device } = await openDevice({ device: "cpu" });

function draws(count: number, seed: number, deviation = 1): Float32Array {
  return scope(() => {
    const y = empty(device, [count]);
    fillNormal(y, seed, deviation);
    return { values: toFloats(y) };
  }).values;
}

test("the draws are normal, and neighbours are not correlated", () => {
  const count = 1_000_000;
  const values = draws(count, 7, 0.5);
  const moment = (power: number): number => values.reduce((sum, value) => sum + (value / 0.5) ** power, 0) / count;
  // Four standard errors of each estimate.
  for (const [power, expected, variance] of [
    [1, 0, 1],
    [2, 1, 2],
    [3, 0, 15],
    [4, 3, 96],
  ] as const) {
    assert.ok(
      Math.abs(moment(power) - expected) < 4 * Math.sqrt(variance / count),
      `moment ${power}: ${moment(power)}`,
    );
  }
  for (const distance of [1, 2, 3]) {
    let sum = 0;
    for (let i = distance; i < count; i++) sum += (values[i]! * values[i - distance]!) / 0.25;
    assert.ok(Math.abs(sum / count) < 4 / Math.sqrt(count), `correlation at ${distance}: ${sum / count}`);
  }
});

test("another seed gives other values, a prefix the same", () => {
  assert.deepEqual(draws(100, 1), draws(1000, 1).subarray(0, 100));
  assert.notDeepEqual(draws(100, 1), draws(100, 2));
});
