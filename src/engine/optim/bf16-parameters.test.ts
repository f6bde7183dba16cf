import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Random } from "../../base/random.ts";
import { encodeBf16 } from "../device/bf16.ts";
import type { Device } from "../device/device.ts";
import { openDevice, openReferenceDevice } from "../open-device.ts";
import { cast } from "../ops/cast/cast.ts";
import { scope } from "../tensor/scope.ts";
import { fromHost, type Tensor, toBytes, toFloats } from "../tensor/tensor.ts";
import { createOptimizer, type Optimizer } from "./optimizer.ts";

const kinds = ["adamw", "adamw_8bit"] as const;

function parameterOf(device: Device, values: Float32Array): Tensor {
  const parameter = fromHost(device, encodeBf16(values));
  parameter.trainable = true;
  parameter.gradient = fromHost(device, encodeBf16(new Float32Array(values.length)));
  return parameter;
}

function setGradient({ device, gradient }: Tensor, values: Float32Array): void {
  device.write(gradient!, new Uint8Array(encodeBf16(values).buffer));
}

function optimizerOf(kind: (typeof kinds)[number], parameters: Record<string, Tensor>, seed = 1): Optimizer {
  return createOptimizer({
    kind,
    parameters: new Map(Object.entries(parameters)),
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 0,
    decay: () => false,
    seed,
  });
}

for (const device of [openReferenceDevice(), (await openDevice({ device: "cpu" })).device]) {
  for (const kind of kinds) {
    describe(`${kind} on bf16 parameters, ${device.name}`, () => {
      test("steps far below the spacing move them in expectation", () => {
        scope(() => {
          const count = 8192;
          // Below 1 the spacing is 2^-8, forty times a step.
          const parameter = parameterOf(device, new Float32Array(count).fill(1));
          setGradient(parameter, new Float32Array(count).fill(0.5));
          using optimizer = optimizerOf(kind, { weight: parameter });
          for (let step = 0; step < 100; step++) optimizer.step(1e-4, 1);
          const values = toFloats(cast(parameter, "f32"));
          const mean = values.reduce((sum, value) => sum + value, 0) / count;
          // One hundred steps of 1e-4; four standard errors of the mean of 8,192 elements are 3e-4.
          assert.ok(Math.abs(mean - 0.99) < 3e-4, `the mean is ${mean}`);
          assert.ok(new Set(values).size > 3);
        });
      });

      test("the random bits are another parameter's, step's or seed's own, and the same when resumed", () => {
        scope(() => {
          const run = (seed: number, stopAfter?: number): Record<string, Uint8Array> => {
            const random = new Random(3);
            const draw = (): Float32Array => Float32Array.from({ length: 5000 }, () => random.normal());
            const start = draw();
            const parameters = { a: parameterOf(device, start), b: parameterOf(device, start) };
            let optimizer = optimizerOf(kind, parameters, seed);
            for (let step = 1; step <= 4; step++) {
              const gradient = draw();
              for (const parameter of Object.values(parameters)) setGradient(parameter, gradient);
              optimizer.step(1e-3, 1);
              if (step !== stopAfter) continue;
              const state = optimizer.state().map((tensor) => {
                const bytes = tensor.bytes();
                return { ...tensor, bytes: () => bytes };
              });
              optimizer[Symbol.dispose]();
              optimizer = optimizerOf(kind, parameters, seed);
              optimizer.restore(state, step);
            }
            optimizer[Symbol.dispose]();
            return { a: toBytes(parameters.a), b: toBytes(parameters.b) };
          };
          const whole = run(1);
          assert.deepEqual(run(1, 2), whole);
          assert.notDeepEqual(whole.a, whole.b);
          assert.notDeepEqual(run(2).a, whole.a);
        });
      });
    });
  }
}
