/** Dense layers of a class head: the formula, the names, and the sizes found again from what was saved. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Random } from "../../base/random.ts";
import { openReferenceDevice } from "../../engine/open-device.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { fromHost, type Shape, toFloats } from "../../engine/tensor/tensor.ts";
import { type ClassHeadConfig, classHeadShapes, emptyClassHead, scoreHead } from "./class-head.ts";
import { classHeadSizes } from "./class-head-adapter.ts";

const HIDDEN = 5;

function configOf(dense: readonly number[]): ClassHeadConfig {
  return { labels: 3, dense, activation: "relu", dropout: 0.5 };
}

function shapesOf(dense: readonly number[]): ReadonlyMap<string, Shape> {
  return classHeadShapes(scoreHead(configOf(dense)), 3, HIDDEN);
}

/** As a file lists them. */
function listed(shapes: ReadonlyMap<string, Shape>): [string, { shape: Shape }][] {
  return [...shapes].map(([name, shape]) => [`base_model.model.${name}`, { shape }]);
}

describe("dense layers of a class head", () => {
  test("one has the names it always had, several are numbered", () => {
    assert.deepEqual(Object.fromEntries(shapesOf([])), { "score.weight": [3, 5] });
    const { "score.dense.weight": weight, ...others } = Object.fromEntries(shapesOf([4]));
    assert.deepEqual(weight, [4, 5]);
    assert.deepEqual(Object.keys(others), ["score.dense.bias", "score.out_proj.weight", "score.out_proj.bias"]);
    assert.deepEqual(Object.fromEntries(shapesOf([4, 2])), {
      "score.dense.0.weight": [4, 5],
      "score.dense.0.bias": [4],
      "score.dense.1.weight": [2, 4],
      "score.dense.1.bias": [2],
      "score.out_proj.weight": [3, 2],
      "score.out_proj.bias": [3],
    });
  });

  test("are found again by what was saved; a list with a hole is none", () => {
    for (const dense of [[], [4], [4, 2], [7, 6, 5, 4]]) {
      assert.deepEqual(classHeadSizes(listed(shapesOf(dense))), { labels: 3, dense });
    }
    const holed = listed(shapesOf([7, 6, 5])).filter(([name]) => !name.includes("dense.1."));
    assert.equal(classHeadSizes(holed), undefined);
  });

  test("scores are W2 relu(W1 relu(W0 x + b0) + b1) + b2", () => {
    const device = openReferenceDevice();
    const config = configOf([4, 2]);
    const head = emptyClassHead(config, scoreHead(config), HIDDEN, device);
    const random = new Random(1);
    const draw = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
    const values = new Map([...head.parameters].map(([name, { length }]) => [name, draw(length)]));
    for (const [name, tensor] of head.parameters) device.write(tensor, new Uint8Array(values.get(name)!.buffer));
    const input = draw(2 * HIDDEN);
    const actual = scope(() => toFloats(head.logits(fromHost(device, input, [2, HIDDEN]))));

    const linear = (path: string, x: readonly number[]): number[] => {
      const [weight, bias] = [values.get(`${path}.weight`)!, values.get(`${path}.bias`)!];
      return [...bias].map((b, row) => x.reduce((sum, v, i) => sum + v * weight[row * x.length + i]!, b));
    };
    const relu = (x: readonly number[]): number[] => x.map((value) => Math.max(0, value));
    const expected = [0, 1].flatMap((row) => {
      const x = [...input.subarray(row * HIDDEN, (row + 1) * HIDDEN)];
      const below = relu(linear("score.dense.0", x));
      return linear("score.out_proj", relu(linear("score.dense.1", below)));
    });
    expected.forEach((value, i) => void assert.ok(Math.abs(value - actual[i]!) < 1e-5, `${value}, ${actual[i]}`));
  });
});
