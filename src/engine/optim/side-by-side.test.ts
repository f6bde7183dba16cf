import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Random } from "../../base/random.ts";
import { openDevice, openReferenceDevice } from "../open-device.ts";
import { gradientOf } from "../tensor/tape.ts";
import { consecutive, fromHost, release, type Tensor, toBytes } from "../tensor/tensor.ts";
import { releaseParameter } from "../tensor/working-copy.ts";
import { globalNorm } from "./clip.ts";
import { createOptimizer } from "./optimizer.ts";
import { joinedFlat, sideBySide } from "./side-by-side.ts";
import { zeroGradients } from "./zero-gradients.ts";

const shapes = [[3, 5], [16, 256], [7], [2, 4096], [20, 512], [3, 1500], [11]];

for (const device of [openReferenceDevice(), (await openDevice({ device: "cpu" })).device]) {
  describe(`tensors side by side on ${device.name}`, () => {
    test("runs are found whatever the order, and end at gaps, other storages and other units", () => {
      const [a, b, c, d] = consecutive(device, [[4], [6], [2], [3]]) as [Tensor, Tensor, Tensor, Tensor];
      const alone = consecutive(device, [[4]])[0]!;
      assert.deepEqual(sideBySide([c, alone, b, a]), [[a, b, c], [alone]]);
      assert.deepEqual(sideBySide([a, b, d]), [[a, b], [d]]);
      assert.deepEqual(sideBySide([a, b, c], 4), [[a, b], [c]]);
      assert.equal(joinedFlat([a, b, c]).length, 12);
      assert.throws(() => joinedFlat([a, c]));
      for (const tensor of [a, b, c, d, alone]) release(tensor);
    });

    for (const kind of ["adamw", "adamw_8bit"] as const) {
      test(`${kind}: parameters in one storage get the bits of parameters apart`, () => {
        const before = device.memory().live;
        const run = (
          place: () => Tensor[],
        ): { bytes: Uint8Array[]; state: [string, Uint8Array][]; norms: number[] } => {
          const random = new Random(4);
          const bytes = (length: number): Uint8Array =>
            new Uint8Array(Float32Array.from({ length }, () => random.normal()).buffer);
          const tensors = place();
          const parameters = new Map(tensors.map((tensor, i) => [`${i % 3 === 2 ? "norm" : "proj"}.${i}`, tensor]));
          for (const tensor of tensors) {
            tensor.trainable = true;
            device.write(tensor, bytes(tensor.length));
          }
          const optimizer = createOptimizer({
            kind,
            parameters,
            betas: [0.9, 0.99],
            eps: 1e-8,
            weightDecay: 0.1,
            decay: (name) => name.startsWith("proj"),
            seed: 0,
          });
          const norms: number[] = [];
          for (let step = 0; step < 3; step++) {
            for (const tensor of tensors) device.write(gradientOf(tensor), bytes(tensor.length));
            norms.push(globalNorm(parameters).norm);
            optimizer.step(0.01, 0.5);
          }
          zeroGradients(parameters);
          assert.equal(globalNorm(parameters).norm, 0);
          const result = {
            bytes: tensors.map(toBytes),
            state: optimizer.state().map(({ name, bytes }): [string, Uint8Array] => [name, bytes()]),
            norms,
          };
          optimizer[Symbol.dispose]();
          for (const tensor of tensors) releaseParameter(tensor);
          return result;
        };
        const together = run(() => consecutive(device, shapes));
        const apart = run(() => shapes.map((shape) => consecutive(device, [shape])[0]!));
        assert.deepEqual(together.bytes, apart.bytes);
        assert.deepEqual(together.state, apart.state);
        together.norms.forEach((norm, i) => {
          assert.ok(Math.abs(norm / apart.norms[i]! - 1) < 1e-6);
        });
        assert.equal(device.memory().live, before);
      });
    }
  });
}

test("a gradient made anew is zero, also where its neighbours' lived on", () => {
  const device = openReferenceDevice();
  const [a, b] = consecutive(device, [[2], [3]]) as [Tensor, Tensor];
  for (const tensor of [a, b]) {
    tensor.trainable = true;
    device.copy(fromHost(device, new Float32Array(tensor.length).fill(7)), gradientOf(tensor));
  }
  release(a.gradient!);
  a.gradient = undefined;
  assert.deepEqual([...new Float32Array(toBytes(gradientOf(a)).buffer)], [0, 0]);
  assert.deepEqual([...new Float32Array(toBytes(gradientOf(b)).buffer)], [7, 7, 7]);
});
