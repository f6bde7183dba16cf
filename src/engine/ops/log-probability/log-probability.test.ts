import assert from "node:assert/strict";
import { test } from "node:test";
import { ReferenceDevice } from "../../device/reference/reference-device.ts";
import { scope } from "../../tensor/scope.ts";
import { fromHost, toFloats } from "../../tensor/tensor.ts";
import { linearReference } from "../linear/linear.reference.ts";
import { normal } from "../op-case.ts";
import { logProbabilityReference } from "./log-probability.reference.ts";
import { tokenLogProbabilities } from "./log-probability.ts";

test("the probabilities of all tokens of a row sum to 1, over chunks too", () => {
  const device = new ReferenceDevice({ ...linearReference, ...logProbabilityReference });
  const vocabulary = 13;
  scope(() => {
    const hidden = fromHost(device, normal([5, 4], 1).values, [5, 4]);
    const weight = fromHost(device, normal([vocabulary, 4], 2).values, [vocabulary, 4]);
    const every = Array.from({ length: 5 * vocabulary }, (_, i) => i);
    const row = fromHost(
      device,
      Int32Array.from(every, (i) => Math.floor(i / vocabulary)),
    );
    const token = fromHost(
      device,
      Int32Array.from(every, (i) => i % vocabulary),
    );
    const found = toFloats(tokenLogProbabilities(hidden, weight, row, token, { chunkRows: 2 }));
    for (let begin = 0; begin < found.length; begin += vocabulary) {
      const sum = found.slice(begin, begin + vocabulary).reduce((total, value) => total + Math.exp(value), 0);
      assert.ok(Math.abs(sum - 1) < 1e-6, `row ${begin / vocabulary} sums to ${sum}`);
    }
  });
});

test("log-probabilities have PyTorch's values", () => {
  const device = new ReferenceDevice({ ...linearReference, ...logProbabilityReference });
  scope(() => {
    const hidden = fromHost(device, Float32Array.of(1), [1, 1]);
    const weight = fromHost(device, Float32Array.of(1, 2, 3), [3, 1]);
    const found = toFloats(
      tokenLogProbabilities(
        hidden,
        weight,
        fromHost(device, Int32Array.of(0, 0)),
        fromHost(device, Int32Array.of(0, 2)),
      ),
    );
    // torch.log_softmax([1, 2, 3])
    assert.ok(Math.abs(found[0]! + 2.40760596) < 1e-6);
    assert.ok(Math.abs(found[1]! + 0.40760596) < 1e-6);
  });
});
