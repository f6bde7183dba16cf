import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { packageRoot } from "../../base/package-root.ts";
import { openDevice } from "../../engine/open-device.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { toBytes } from "../../engine/tensor/tensor.ts";
import { openModel } from "./model.ts";
import { makeTrainable, type WeightFormat } from "./parameters.ts";

/** Its head is not its embedding. */
const untied = join(packageRoot, "tests/fixtures/parity/mistral/model");
const tied = join(packageRoot, "tests/fixtures/parity/qwen3/model");

describe("how weights are held", async () => {
  const { device } = await openDevice({ device: "cpu" });
  after(() => device.close());

  /** Final hidden states of a few tokens, and what the weights take. */
  function use(folder: string, format: WeightFormat): { readonly hidden: Uint8Array; readonly bytes: number } {
    using model = openModel(folder, device, { format });
    const tokens = Int32Array.of(5, 17, 200, 5, 31);
    const sequence = { tokens, positions: tokens.map((_, i) => i), expiry: tokens.map(() => 5) };
    return scope(() => ({ hidden: toBytes(model.decoder.hidden(sequence)), bytes: model.parameters.bytes }));
  }

  for (const format of [
    { kind: "bf16" },
    { kind: "nf4", blockSize: 64, doubleQuant: true },
  ] as const satisfies WeightFormat[]) {
    test(`${format.kind}: an embedding on the host gives the same bits, and takes no memory of the device`, () => {
      const before = device.memory().live;
      const onDevice = use(untied, format);
      const onHost = use(untied, { ...format, embeddingOnHost: true });
      assert.deepEqual(onHost.hidden, onDevice.hidden);
      using model = openModel(untied, device, { format });
      const { vocabSize, hiddenSize } = model.decoder.config;
      const table = vocabSize * hiddenSize * (format.kind === "bf16" || device.precision === "bf16" ? 2 : 4);
      assert.equal(onDevice.bytes - onHost.bytes, table);
      model[Symbol.dispose]();
      assert.equal(device.memory().live, before);
    });
  }

  test("an embedding that is the head too stays on the device", () => {
    const format = { kind: "bf16" } as const;
    assert.deepEqual(use(tied, { ...format, embeddingOnHost: true }), use(tied, format));
  });

  test("bf16 weights are not trained where gradients are f32", () => {
    using model = openModel(tied, device, { format: { kind: "bf16" } });
    assert.throws(() => makeTrainable(model.parameters.tensors), { code: "train/bf16-parameters" });
    using wide = openModel(tied, device, { format: { kind: "f32" } });
    makeTrainable(wide.parameters.tensors);
    assert.ok([...wide.parameters.tensors.values()].every(({ trainable }) => trainable));
  });
});
