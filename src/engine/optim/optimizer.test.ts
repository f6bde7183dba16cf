import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Random } from "../../base/random.ts";
import type { Device } from "../device/device.ts";
import { openDevice, openReferenceDevice } from "../open-device.ts";
import { adamw8bit } from "../ops/adamw-8bit/adamw-8bit.ts";
import { dynamicMap } from "../ops/dynamic-map.ts";
import { scope } from "../tensor/scope.ts";
import { fromHost, type Tensor, toBytes, toFloats, zeros } from "../tensor/tensor.ts";
import { decays } from "./decay-groups.ts";
import { createOptimizer, type Optimizer, type OptimizerOptions } from "./optimizer.ts";

function optimizerOf(parameters: ReadonlyMap<string, Tensor>, kind: OptimizerOptions["kind"] = "adamw"): Optimizer {
  return createOptimizer({
    kind,
    parameters,
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 0.01,
    decay: decays,
    seed: 1,
  });
}

/** @param tolerance relative to each value. */
function assertClose(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expected.forEach((value, i) => {
    assert.ok(Math.abs(actual[i]! - value) <= tolerance * Math.abs(value), `[${i}] is ${actual[i]}, expected ${value}`);
  });
}

function setGradient(parameter: Tensor, values: ArrayLike<number>): void {
  parameter.device.write(parameter.gradient!, new Uint8Array(Float32Array.from(values).buffer));
}

/** A trainable vector with its gradient. */
function withGradient(device: Device, values: ArrayLike<number>, gradient: ArrayLike<number>): Tensor {
  const parameter = fromHost(device, Float32Array.from(values));
  parameter.trainable = true;
  parameter.gradient = fromHost(device, Float32Array.from(gradient));
  return parameter;
}

for (const device of [openReferenceDevice(), (await openDevice({ device: "cpu" })).device]) {
  describe(`optimizers on ${device.name}`, () => {
    test("AdamW as torch.optim.AdamW, the gradient's factor folded in", () => {
      scope(() => {
        const parameter = withGradient(device, [1, -2, 0.5], [0, 0, 0]);
        using optimizer = optimizerOf(new Map([["weight", parameter]]));
        for (const [gradient, expected] of [
          [
            [0.1, -0.2, 0.3],
            [0.8990000486373901, -1.8980000019073486, 0.3995000123977661],
          ],
          [
            [0, 0.5, -0.1],
            [0.8310952186584473, -1.9403235912322998, 0.35907864570617676],
          ],
          [
            [1, 1, 1],
            [0.7615504264831543, -2.0108354091644287, 0.2884860038757324],
          ],
        ] as const) {
          setGradient(
            parameter,
            gradient.map((value) => value * 4),
          );
          optimizer.step(0.1, 0.25);
          assertClose(toFloats(parameter), expected, 1.5e-7);
        }
        assert.equal(optimizer.steps, 3);
      });
    });

    test("what does not decay only moves by its gradient", () => {
      scope(() => {
        const parameters = new Map([
          ["proj.weight", withGradient(device, [1], [0])],
          ["proj.bias", withGradient(device, [1], [0])],
        ]);
        using optimizer = optimizerOf(parameters);
        optimizer.step(0.5, 1);
        assertClose(toFloats(parameters.get("proj.weight")!), [0.995], 1e-7);
        assert.equal(toFloats(parameters.get("proj.bias")!)[0], 1);
      });
    });

    test("8-bit AdamW as bitsandbytes' kernel", () => {
      scope(() => {
        const n = 512;
        const p = fromHost(
          device,
          Float32Array.from({ length: n }, (_, i) => (((i * 29) % 61) - 30) / 64),
        );
        const moments = {
          state1: zeros(device, [n], "u8"),
          state2: zeros(device, [n], "u8"),
          absmax1: zeros(device, [2]),
          absmax2: zeros(device, [2]),
        };
        const maps = { map1: fromHost(device, dynamicMap("signed")), map2: fromHost(device, dynamicMap("unsigned")) };
        const settings = { learningRate: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 };
        const advance = (step: number): void => {
          const values = Float32Array.from({ length: n }, (_, i) => (((i * (17 + step)) % 97) - 48) / 128);
          adamw8bit(p, fromHost(device, values), moments, maps, { ...settings, step, gradientScale: 1, seed: 0 });
        };
        advance(1);
        assertClose(
          toFloats(p),
          [-0.4587041139602661, -0.00562443770468235, 0.4474552273750305, -0.07249274849891663],
          1e-6,
        );
        assert.deepEqual([...toBytes(moments.state1).subarray(0, 6)], [0, 26, 53, 192, 219, 246]);
        assert.deepEqual([...toBytes(moments.state2).subarray(0, 6)], [255, 168, 100, 66, 148, 221]);
        assertClose(toFloats(moments.absmax1), [0.037500008940696716], 1e-6);
        assertClose(toFloats(moments.absmax2), [0.00014062318950891495], 1e-6);
        advance(2);
        advance(3);
        assertClose(
          toFloats(p),
          [-0.4387139081954956, 0.014317365363240242, 0.46709349751472473, -0.09242154657840729],
          1e-6,
        );
        assert.deepEqual([...toBytes(moments.state1).subarray(0, 6)], [0, 28, 56, 197, 225, 201]);
        assert.deepEqual([...toBytes(moments.state2).subarray(0, 6)], [255, 164, 87, 82, 161, 236]);
        assertClose(toFloats(moments.absmax1), [0.1009620651602745], 1e-6);
        assertClose(toFloats(moments.absmax2), [0.0004214478249195963], 1e-6);
      });
    });

    test("8-bit AdamW passes over values whose gradient is not finite", () => {
      scope(() => {
        const bad = [3, 700, 4096];
        const gradient = new Float32Array(5000).fill(0.5);
        bad.forEach((at, i) => {
          gradient[at] = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][i]!;
        });
        const parameter = withGradient(device, new Float32Array(5000).fill(1), gradient);
        using optimizer = optimizerOf(new Map([["weight", parameter]]), "adamw_8bit");
        optimizer.step(0.1, 1);
        toFloats(parameter).forEach((value, i) => {
          assertClose([value], [bad.includes(i) ? 1 : 0.9 * 0.999], 1e-6);
        });
      });
    });

    for (const kind of ["adamw", "adamw_8bit"] as const) {
      test(`${kind} goes on from a restored state with the same bits, and leaks nothing`, () => {
        const before = device.memory().live;
        scope(() => {
          const run = (stopAfter: number | undefined): Uint8Array[] => {
            const random = new Random(7);
            const draw = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
            const parameters = new Map([
              ["large.weight", withGradient(device, draw(5001), draw(1))],
              ["norm.weight", withGradient(device, draw(33), draw(1))],
            ]);
            for (const parameter of parameters.values()) parameter.gradient = zeros(device, parameter.shape);
            let optimizer = optimizerOf(parameters, kind);
            for (let step = 1; step <= 5; step++) {
              for (const parameter of parameters.values()) setGradient(parameter, draw(parameter.length));
              optimizer.step(0.01 / step, 0.3);
              if (step === stopAfter) {
                const state = optimizer.state().map((tensor) => ({ ...tensor, bytes: constant(tensor.bytes()) }));
                const { steps } = optimizer;
                optimizer[Symbol.dispose]();
                optimizer = optimizerOf(parameters, kind);
                optimizer.restore(state, steps);
              }
            }
            optimizer[Symbol.dispose]();
            return [...parameters.values()].map(toBytes);
          };
          assert.deepEqual(run(3), run(undefined));
        });
        assert.equal(device.memory().live, before);
      });
    }

    test("a state of other parameters, or of another kind, is refused and changes nothing", () => {
      scope(() => {
        const parameter = withGradient(device, new Float32Array(5000).fill(1), new Float32Array(5000).fill(1));
        using optimizer = optimizerOf(new Map([["weight", parameter]]));
        using quantized = optimizerOf(new Map([["weight", parameter]]), "adamw_8bit");
        using other = optimizerOf(new Map([["other", parameter]]));
        using more = optimizerOf(
          new Map([
            ["weight", parameter],
            ["other", parameter],
          ]),
        );
        optimizer.step(0.1, 1);
        const kept = optimizer.state().map(({ bytes }) => bytes());
        assert.throws(() => optimizer.restore(quantized.state(), 9), /has no weight\.exp_avg/);
        assert.throws(() => optimizer.restore(other.state(), 9), /has no weight\.exp_avg/);
        assert.throws(() => optimizer.restore(more.state(), 9), /other\.exp_avg, which this run does not train/);
        assert.deepEqual(
          optimizer.state().map(({ bytes }) => bytes()),
          kept,
        );
        assert.equal(optimizer.steps, 1);
      });
    });
  });
}

function constant<T>(value: T): () => T {
  return () => value;
}
