import assert from "node:assert/strict";
import { test } from "node:test";
import { ReferenceDevice } from "../../device/reference/reference-device.ts";
import { scope } from "../../tensor/scope.ts";
import { Tape } from "../../tensor/tape.ts";
import { fromHost, toFloats } from "../../tensor/tensor.ts";
import { linearReference } from "../linear/linear.reference.ts";
import { crossEntropyReference } from "./cross-entropy.reference.ts";
import { type LinearCrossEntropyOptions, linearCrossEntropy } from "./cross-entropy.ts";

interface Outcome {
  readonly loss: number[];
  readonly dlogits: number[];
}

/** With the identity as head, the hidden states are the logits. */
function onLogits(
  logits: readonly (readonly number[])[],
  targets: readonly number[],
  weights: readonly number[],
  scale: number,
  options: LinearCrossEntropyOptions = {},
): Outcome {
  const device = new ReferenceDevice({ ...linearReference, ...crossEntropyReference });
  const rows = logits.length;
  const width = logits[0]!.length;
  const identity = Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0));
  return scope(() => {
    const tape = new Tape();
    const hidden = fromHost(device, Float32Array.from(logits.flat()), [rows, width]);
    tape.track(hidden);
    const head = fromHost(device, identity, [width, width]);
    const weighing = fromHost(device, Float32Array.from(weights));
    const wanted = fromHost(device, Int32Array.from(targets));
    const loss = tape.run(() => linearCrossEntropy(hidden, head, wanted, weighing, scale, options));
    const [dlogits] = tape.backward([[loss, weighing]], [hidden]);
    return { loss: [...toFloats(loss)], dlogits: [...toFloats(dlogits!)] };
  });
}

function close(actual: readonly number[], expected: readonly number[], tolerance = 1e-6): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) <= tolerance, `[${i}] is ${value}, expected ${expected[i]}`);
  });
}

/** torch.softmax([1, 2, 3]) and -log of its last element. */
const softmax = [0.09003057, 0.24472847, 0.66524096];
const surprise = 0.40760596;

test("loss and gradient have PyTorch's values", () => {
  const { loss, dlogits } = onLogits([[1, 2, 3]], [2], [1], 1);
  close(loss, [surprise]);
  close(dlogits, [softmax[0]!, softmax[1]!, softmax[2]! - 1]);
});

test("weights weigh loss and gradient, the scale only the gradient", () => {
  const { loss, dlogits } = onLogits(
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
    [2, 2],
    [2, 0],
    0.25,
  );
  close(loss, [2 * surprise, 0]);
  close(dlogits, [...[softmax[0]!, softmax[1]!, softmax[2]! - 1].map((value) => value / 2), 0, 0, 0]);
});

test("chunks of rows change nothing", () => {
  const logits = Array.from({ length: 5 }, (_, row) => Array.from({ length: 7 }, (_, i) => Math.sin(row * 7 + i)));
  const whole = onLogits(logits, [0, 1, 2, 3, 6], [1, 1, 1, 1, 1], 1);
  assert.deepEqual(onLogits(logits, [0, 1, 2, 3, 6], [1, 1, 1, 1, 1], 1, { chunkRows: 2 }), whole);
});

test("logits of any size give finite numbers", () => {
  const { loss, dlogits } = onLogits(
    [
      [3e4, -3e4, 0],
      [-1e30, 1e30, 0],
    ],
    [1, 1],
    [1, 1],
    1,
  );
  close(loss, [6e4, 0]);
  close(dlogits, [1, -1, 0, 0, 0, 0]);
});

test("a soft cap bounds the logits", () => {
  const { loss, dlogits } = onLogits([[1e6, -1e6]], [1], [1], 1, { softcap: 5 });
  close(loss, [10.0000454], 1e-5);
  close(dlogits, [0, 0]);
});
