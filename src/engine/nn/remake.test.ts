/** Activations that are dropped and made again: the same bits, in less memory, and none of it left. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../base/random.ts";
import { openReferenceDevice } from "../open-device.ts";
import { dropout } from "../ops/dropout/dropout.ts";
import { gated } from "../ops/gated/gated.ts";
import { linears } from "../ops/linear/linear.ts";
import { rmsnorm } from "../ops/rmsnorm/rmsnorm.ts";
import { rope } from "../ops/rope/rope.ts";
import { scope } from "../tensor/scope.ts";
import { Tape } from "../tensor/tape.ts";
import { fromHost, release, type Tensor, toFloats, zeros } from "../tensor/tensor.ts";

const [tokens, width] = [6, 8];

/** A norm, a rotation, dropout and a gated middle, each saved by the product after it. */
function run(dropCheap: boolean): { gradients: Float32Array[]; kept: number; left: number } {
  const device = openReferenceDevice();
  const random = (shape: readonly number[], seed: number): Tensor => {
    const stream = new Random(seed);
    const length = shape.reduce((product, size) => product * size, 1);
    return fromHost(
      device,
      Float32Array.from({ length }, () => stream.normal()),
      shape,
    );
  };
  const parameters = [1, 2, 3, 4].map((seed) => random([width, width], seed));
  const norms = [5, 6].map((seed) => random([width], seed));
  for (const parameter of [...parameters, ...norms]) parameter.trainable = true;
  const before = device.memory().live;
  let kept = 0;
  scope(() => {
    const tape = new Tape({ dropCheap });
    const angles = random([tokens, width / 4], 7);
    const x = tape.run(() => {
      const h = random([tokens, width], 8);
      return scope(() => {
        const normed = rmsnorm(h, norms[0]!, 1e-6);
        const turned = rope(normed, angles, angles, 2);
        const [gate, up] = linears(
          dropout(turned, 0.3, 9, 0),
          parameters.slice(0, 2).map((weight) => ({ weight })),
        );
        const middle = gated(gate!, up!, "silu");
        const [down] = linears(middle, [{ weight: parameters[2]! }]);
        return linears(rmsnorm(down!, norms[1]!, 1e-6), [{ weight: parameters[3]! }])[0]!;
      });
    });
    kept = device.memory().live - before;
    tape.backward([[x, random(x.shape, 10)]]);
  });
  const all = [...parameters, ...norms];
  const gradients = all.map(({ gradient }) => toFloats(gradient!));
  for (const { gradient } of all) release(gradient!);
  return { gradients, kept, left: device.memory().live - before };
}

test("what is made again has the same bits, and is not kept in between", () => {
  const keeping = run(false);
  const dropping = run(true);
  assert.deepEqual(dropping.gradients, keeping.gradients);
  // Dropout's output, the middle and the second norm's output; norm and rotation before them were not saved anyway.
  assert.equal(keeping.kept - dropping.kept, 3 * tokens * width * 4);
  assert.deepEqual([keeping.left, dropping.left], [0, 0]);
});

test("a pass that is given up leaves nothing behind", () => {
  const device = openReferenceDevice();
  const weight = zeros(device, [width]);
  weight.trainable = true;
  const before = device.memory().live;
  scope(() => {
    const tape = new Tape({ dropCheap: true });
    tape.run(() => scope(() => rmsnorm(rmsnorm(zeros(device, [tokens, width]), weight, 1e-6), weight, 1e-6)));
    tape.clear();
  });
  assert.equal(device.memory().live, before);
});
