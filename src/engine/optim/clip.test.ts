import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../base/random.ts";
import type { Device } from "../device/device.ts";
import { openDevice, openReferenceDevice } from "../open-device.ts";
import { scale } from "../ops/scale/scale.ts";
import { scope } from "../tensor/scope.ts";
import { fromHost, type Tensor, toFloats } from "../tensor/tensor.ts";
import { clipCoefficient, globalNorm } from "./clip.ts";
import { zeroGradients } from "./zero-gradients.ts";

/** A trainable vector with its gradient. */
function withGradient(device: Device, values: ArrayLike<number>, gradient: ArrayLike<number>): Tensor {
  const parameter = fromHost(device, Float32Array.from(values));
  parameter.trainable = true;
  parameter.gradient = fromHost(device, Float32Array.from(gradient));
  return parameter;
}

for (const device of [openReferenceDevice(), (await openDevice({ device: "cpu" })).device]) {
  test(`${device.name}: norm and clipping as torch's clip_grad_norm_`, () => {
    scope(() => {
      const parameters = new Map([
        ["a", withGradient(device, [1, 1], [3, 4])],
        ["b", withGradient(device, [1], [12])],
        ["without a gradient", fromHost(device, Float32Array.of(7))],
      ]);
      const { norm, notFinite } = globalNorm(parameters);
      assert.equal(norm, 13);
      assert.deepEqual(notFinite, []);
      const gradients = ["a", "b"].map((name) => parameters.get(name)!.gradient!);
      for (const gradient of gradients) scale(gradient, clipCoefficient(norm, 1));
      assert.deepEqual(
        gradients.map((gradient) => [...toFloats(gradient)]),
        [[0.23076921701431274, 0.307692289352417], [0.923076868057251]],
      );
      zeroGradients(parameters);
      assert.equal(globalNorm(parameters).norm, 0);
    });
  });

  test(`${device.name}: NaN and infinity are told, with the parameters they are in`, () => {
    scope(() => {
      const parameters = new Map([
        ["good", withGradient(device, [1], [1])],
        ["nan", withGradient(device, [1, 1], [1, Number.NaN])],
        ["infinite", withGradient(device, [1, 1], [Number.NEGATIVE_INFINITY, 1])],
      ]);
      const { norm, notFinite } = globalNorm(parameters);
      assert.ok(Number.isNaN(norm));
      assert.deepEqual(notFinite, ["nan", "infinite"]);
    });
  });
}

test("the norm has the same bits with any number of threads", async () => {
  const random = new Random(1);
  const values = Float32Array.from({ length: 300_007 }, () => random.normal());
  const norms: number[] = [];
  for (const threads of [1, 2, 3]) {
    const { device } = await openDevice({ device: "cpu", threads });
    scope(() => {
      norms.push(globalNorm(new Map([["weight", withGradient(device, values, values)]])).norm);
    });
    device.close();
  }
  assert.deepEqual(
    norms,
    norms.map(() => norms[0]),
  );
});

test("gradients within the limit, and with no limit, are left alone", () => {
  assert.equal(clipCoefficient(0.5, 1), 1);
  assert.equal(clipCoefficient(0, 1), 1);
  assert.equal(clipCoefficient(1000, 0), 1);
});
