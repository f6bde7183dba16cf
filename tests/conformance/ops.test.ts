/**
 * Every op, forward and backward, on every device present against the reference device, and the reference's gradients
 * against central differences. One suite for all ops: a new op adds cases, not tests.
 */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Random } from "../../src/base/random.ts";
import { decodeBf16, encodeBf16 } from "../../src/engine/device/bf16.ts";
import type { Device, Precision } from "../../src/engine/device/device.ts";
import { openDevice, openReferenceDevice } from "../../src/engine/open-device.ts";
import { opCases } from "../../src/engine/ops/cases.ts";
import type { HostTensor, OpCase } from "../../src/engine/ops/op-case.ts";
import { scope } from "../../src/engine/tensor/scope.ts";
import { Tape } from "../../src/engine/tensor/tape.ts";
import { fromHost, type HostArray, release, type Tensor, toBytes } from "../../src/engine/tensor/tensor.ts";
import { cudaSkip, openCudaForTests } from "../helpers/cuda.ts";

interface Outcome {
  /** Outputs as `output 0`, …, gradients as `d x`. */
  readonly tensors: ReadonlyMap<string, Float64Array>;
}

function cotangent(length: number, output: number, kind: OpCase["cotangent"]): Float32Array {
  const random = new Random(output, "cotangent");
  return Float32Array.from({ length }, () => (kind === "ones" ? 1 : random.normal()));
}

function values(tensor: Tensor): Float64Array {
  const bytes = toBytes(tensor);
  if (tensor.dtype === "f32") return Float64Array.from(new Float32Array(bytes.buffer));
  return Float64Array.from(tensor.dtype === "bf16" ? decodeBf16(new Uint16Array(bytes.buffer)) : bytes);
}

type Inputs = Readonly<Record<string, HostTensor>>;

/** The case's inputs with `change` made to what a device holds in its dtype of activations. */
function withActivations(
  { inputs, activations, likeActivations = [] }: OpCase,
  change: (values: Float32Array) => HostArray,
): Inputs {
  const names = [...activations, ...likeActivations];
  const changed = Object.entries(inputs).map(([name, host]) => {
    const activation = names.includes(name) && host.values instanceof Float32Array;
    return [name, activation ? { ...host, values: change(host.values) } : host] as const;
  });
  return Object.fromEntries(changed);
}

function rounded(floats: Float32Array): Float32Array {
  return decodeBf16(encodeBf16(floats));
}

/** What the backward pass begins with, in the output's own dtype. */
function seed(device: Device, output: Tensor, floats: Float32Array): Tensor {
  return fromHost(device, output.dtype === "bf16" ? encodeBf16(floats) : floats, output.shape);
}

interface RunOptions {
  /** Gives the backward pass only values that bf16 can hold. */
  readonly roundSeeds?: boolean;
}

function runCase(device: Device, opCase: OpCase, inputs: Inputs, { roundSeeds = false }: RunOptions = {}): Outcome {
  const tensors = new Map<string, Float64Array>();
  scope(() => {
    const tape = new Tape();
    const placed: Record<string, Tensor> = {};
    for (const [name, host] of Object.entries(inputs)) {
      const tensor = fromHost(device, host.values, host.shape);
      placed[name] = tensor;
      if (opCase.activations.includes(name)) tape.track(tensor);
      if (opCase.parameters.includes(name)) {
        tensor.trainable = true;
      }
    }
    const outputs = [tape.run(() => opCase.run(placed))].flat() as Tensor[];
    outputs.forEach((output, i) => {
      tensors.set(`output ${i}`, values(output));
    });
    if (opCase.activations.length + opCase.parameters.length > 0) {
      const seeds = outputs.map((output, i) => {
        const floats = cotangent(output.length, i, opCase.cotangent);
        return [output, seed(device, output, roundSeeds ? rounded(floats) : floats)] as const;
      });
      const wanted = opCase.activations.map((name) => placed[name]!);
      const gradients = tape.backward(seeds, wanted);
      opCase.activations.forEach((name, i) => {
        assert.ok(gradients[i], `no gradient arrived at ${name}`);
        tensors.set(`d ${name}`, values(gradients[i]));
      });
      for (const name of opCase.parameters) {
        assert.ok(placed[name]!.gradient, `no gradient was accumulated for ${name}`);
        tensors.set(`d ${name}`, values(placed[name]!.gradient!));
      }
    }
    for (const { gradient, rounded } of Object.values(placed)) {
      for (const beside of [gradient, rounded]) if (beside) release(beside);
    }
  });
  return { tensors };
}

function worstError(actual: Float64Array, expected: Float64Array): number {
  assert.equal(actual.length, expected.length);
  let largest = 0;
  for (const value of expected) largest = Math.max(largest, Math.abs(value));
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
  }
  return worst / Math.max(largest, 1e-6);
}

/** d(Σ output · cotangent) / d(one input element), by central differences. */
function centralDifference(device: Device, opCase: OpCase, name: string, at: number): number {
  const step = 1e-3;
  const objective = (delta: number): number => {
    const host = opCase.inputs[name]!;
    const moved = Float32Array.from(host.values as Float32Array);
    moved[at]! += delta;
    const { tensors } = runCase(device, opCase, { ...opCase.inputs, [name]: { ...host, values: moved } });
    let sum = 0;
    for (const [key, output] of tensors) {
      if (!key.startsWith("output")) continue;
      const weights = cotangent(output.length, Number(key.slice(7)), opCase.cotangent);
      for (let i = 0; i < output.length; i++) sum += output[i]! * weights[i]!;
    }
    return sum;
  };
  const base = (opCase.inputs[name]!.values as Float32Array)[at]!;
  const up = Math.fround(base + step) - base;
  const down = base - Math.fround(base - step);
  return (objective(up) - objective(-down)) / (up + down);
}

describe("the reference's gradients equal central differences", () => {
  const wide = openReferenceDevice({ wide: true });
  for (const opCase of opCases) {
    const names = [...opCase.activations, ...opCase.parameters];
    if (names.length === 0) continue;
    test(opCase.name, () => {
      const { tensors } = runCase(wide, opCase, opCase.inputs);
      for (const name of names) {
        const gradient = tensors.get(`d ${name}`)!;
        const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
        const random = new Random(5, name);
        for (let probe = 0; probe < Math.min(4, gradient.length); probe++) {
          const at = random.integer(gradient.length);
          const numeric = centralDifference(wide, opCase, name, at);
          const error = Math.abs(gradient[at]! - numeric) / largest;
          assert.ok(error < 1e-3, `d ${name}[${at}]: ${gradient[at]} by the rule, ${numeric} by differences`);
        }
      }
    });
  }
});

/** That the outcomes are near enough to each other, in all tensors. */
function expectEqual(actual: Outcome, expected: Outcome, tolerance: number): void {
  assert.deepEqual([...actual.tensors.keys()], [...expected.tensors.keys()]);
  for (const [name, tensor] of expected.tensors) {
    const error = worstError(actual.tensors.get(name)!, tensor);
    assert.ok(error <= tolerance, `${name}: worst error ${error} of the largest value, allowed ${tolerance}`);
  }
}

function toleranceOf(opCase: OpCase, precision: Precision): number {
  return precision === "f32" ? (opCase.tolerance ?? 1e-5) : (opCase.toleranceBf16 ?? 2e-2);
}

for (const precision of ["f32", "bf16"] as const) {
  describe(`cpu, ${precision} products, equals the reference`, async () => {
    const reference = openReferenceDevice();
    const { device } = await openDevice({ device: "cpu", precision });
    after(() => device.close());
    for (const opCase of opCases) {
      test(opCase.name, () => {
        const expected = runCase(reference, opCase, opCase.inputs);
        const before = device.memory().live;
        const actual = runCase(device, opCase, opCase.inputs);
        assert.equal(device.memory().live, before, "memory leaked");
        expectEqual(actual, expected, toleranceOf(opCase, precision));
      });
    }
  });

  describe(`cuda, ${precision}, equals the reference`, { skip: cudaSkip }, () => {
    const reference = openReferenceDevice();
    const device = openCudaForTests({ precision });
    after(() => device.close());
    for (const opCase of opCases) {
      test(opCase.name, () => {
        const roundSeeds = precision === "bf16";
        const inputs = (change: (values: Float32Array) => HostArray): Inputs =>
          precision === "bf16" ? withActivations(opCase, change) : opCase.inputs;
        const expected = runCase(reference, opCase, inputs(rounded), { roundSeeds });
        const before = device.memory().live;
        const actual = runCase(device, opCase, inputs(encodeBf16), { roundSeeds });
        assert.equal(device.memory().live, before, "memory leaked");
        expectEqual(actual, expected, toleranceOf(opCase, precision));
      });
    }
  });
}
