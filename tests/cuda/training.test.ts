/** Optimizer steps of a small model on CUDA: rounded copies, weights trained in bf16, adapters in one storage. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { cast } from "../../src/engine/ops/cast/cast.ts";
import { createOptimizer, type Optimizer } from "../../src/engine/optim/optimizer.ts";
import { zeroGradients } from "../../src/engine/optim/zero-gradients.ts";
import { scope } from "../../src/engine/tensor/scope.ts";
import { joined, type Tensor, toBytes } from "../../src/engine/tensor/tensor.ts";
import { working } from "../../src/engine/tensor/working-copy.ts";
import { addLora } from "../../src/model/families/lora.ts";
import { type Model, openModel } from "../../src/model/families/model.ts";
import { makeTrainable, type WeightFormat } from "../../src/model/families/parameters.ts";
import { packExamples } from "../../src/tune/data/pack.ts";
import { accumulateGradients } from "../../src/tune/train/loss.ts";
import { cudaSkip, openCudaForTests } from "../helpers/cuda.ts";
import { plainLora } from "../helpers/lora-config.ts";

const folder = join(packageRoot, "tests/fixtures/parity/qwen3/model");
const [pack] = packExamples(
  [3, 9].map((own) => {
    const ids = Int32Array.from({ length: 8 + own }, (_, i) => (i < 6 ? i : (i * own * 7) % 250));
    return { ids, supervised: Uint8Array.from(ids, (_, i) => (i >= 8 ? 1 : 0)) };
  }),
  { enabled: true, sharePrompts: true, maxTokens: 64 },
);

describe("training on CUDA in bf16", { skip: cudaSkip }, () => {
  const device = openCudaForTests({ precision: "bf16" });
  after(() => device.close());

  function steps(model: Model, trainable: ReadonlyMap<string, Tensor>, kind: "adamw" | "adamw_8bit"): number[] {
    makeTrainable(trainable);
    using optimizer: Optimizer = createOptimizer({
      kind,
      parameters: trainable,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      decay: () => false,
      seed: 1,
    });
    return Array.from({ length: 4 }, () => {
      const loss = accumulateGradients(model.decoder, pack!, 1 / 12, { supervisedRowsOnly: true })();
      optimizer.step(2e-3, 1);
      zeroGradients(trainable);
      return loss;
    });
  }

  function expectFalling(losses: readonly number[]): void {
    assert.ok(losses.at(-1)! < 0.95 * losses[0]!, `losses ${losses}`);
  }

  /** That products read what the optimizer made. */
  function expectFresh(parameters: Iterable<Tensor>): void {
    scope(() => {
      for (const parameter of parameters) {
        if (parameter.rounded) assert.deepEqual(toBytes(parameter.rounded), toBytes(cast(parameter, "bf16")));
      }
    });
  }

  for (const kind of ["adamw", "adamw_8bit"] as const) {
    for (const format of [{ kind: "f32" }, { kind: "bf16" }] as const satisfies WeightFormat[]) {
      it(`in full, weights in ${format.kind}, ${kind}`, () => {
        const before = device.memory().live;
        const model = openModel(folder, device, { format });
        const { tensors } = model.parameters;
        const losses = steps(model, tensors, kind);
        expectFalling(losses);
        expectFresh(tensors.values());
        const rounded = [...tensors.values()].filter((tensor) => tensor.rounded !== undefined);
        assert.equal(rounded.length > 0, format.kind === "f32");
        for (const { gradient, dtype } of tensors.values()) assert.equal(gradient?.dtype, dtype);
        model[Symbol.dispose]();
        assert.equal(device.memory().live, before);

        const again = openModel(folder, device, { format });
        assert.deepEqual(steps(again, again.parameters.tensors, kind), losses);
        again[Symbol.dispose]();
      });
    }
  }

  it("an adapter: A's of layers with the same input are one matrix, and so are their copies and gradients", () => {
    const before = device.memory().live;
    const model = openModel(folder, device, { format: { kind: "bf16" } });
    const adapter = addLora(model, plainLora, 1);
    expectFalling(steps(model, adapter.parameters(), "adamw"));
    expectFresh(adapter.parameters().values());
    const { linears } = model.decoder;
    for (const group of [
      ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
      ["mlp.gate_proj", "mlp.up_proj"],
    ]) {
      const factors = group.map((name) => linears.get(`model.layers.0.${name}`)!.adapter!.a);
      for (const parts of [factors, factors.map(working), factors.map(({ gradient }) => gradient!)]) {
        assert.deepEqual(joined(parts)?.shape, [4 * group.length, factors[0]!.shape[1]]);
      }
    }
    adapter[Symbol.dispose]();
    model[Symbol.dispose]();
    assert.equal(device.memory().live, before);
  });
});
