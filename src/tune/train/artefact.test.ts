import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { UserError } from "../../base/errors.ts";
import { packageRoot } from "../../base/package-root.ts";
import { recipeSchema } from "../../base/recipe/schema.ts";
import type { Device } from "../../engine/device/device.ts";
import { openReferenceDevice } from "../../engine/open-device.ts";
import { toFloats } from "../../engine/tensor/tensor.ts";
import { addLora } from "../../model/families/lora.ts";
import { openModel, saveModel } from "../../model/families/model.ts";
import { loadChatTemplate } from "../../model/text/chat-template.ts";
import { LabelScorer, type LabelScores } from "../score/label-scorer.ts";
import { type Artefact, openArtefact } from "./artefact.ts";
import type { RunInfo } from "./run-folder.ts";

const nano = join(packageRoot, "models/fettle-nano");
const lora = {
  r: 2,
  lora_alpha: 8,
  lora_dropout: 0,
  use_rslora: false,
  target_modules: "all-linear",
  exclude_modules: null,
  rank_pattern: {},
  alpha_pattern: {},
};

describe("artefacts", () => {
  const folder = mkdtempSync(join(tmpdir(), "fettle-"));
  const base = join(folder, "base");
  const run = join(folder, "run");
  let device: Device;
  let expected: LabelScores;

  /** The labels of one question under whatever is open. */
  function score({ model, encoder }: Artefact | Pick<Artefact, "model" | "encoder">): LabelScores {
    const candidates = ["World", "Sports"].map((label) => {
      const messages = [
        { role: "user", content: "Topic?" },
        { role: "assistant", content: label },
      ];
      const { ids, supervised } = encoder.encode(messages);
      return { ids: ids.subarray(0, supervised.lastIndexOf(1) + 1), begin: supervised.indexOf(1) };
    });
    return new LabelScorer(model.decoder).score([candidates])[0]!;
  }

  function writeRun(changes: Partial<RunInfo>): void {
    const { template } = recipeSchema.parse({ base });
    const info = {
      version: 1,
      status: "finished",
      base,
      method: "lora",
      quantization: null,
      labels: ["World", "Sports"],
      template: { ...template, max_length: 99 },
      columns: {},
      templateHash: loadChatTemplate(base).hash,
      weights: "adapter",
      steps: 7,
      totalSteps: 7,
    };
    writeFileSync(join(run, "run.json"), JSON.stringify({ ...info, ...changes }));
  }

  before(() => {
    device = openReferenceDevice();
    mkdirSync(base);
    const config = JSON.parse(readFileSync(join(nano, "config.json"), "utf8")) as object;
    const tiny = { hidden_size: 16, intermediate_size: 16, num_hidden_layers: 1, num_attention_heads: 2 };
    const small = { ...config, ...tiny, num_key_value_heads: 1, head_dim: 8 };
    writeFileSync(join(base, "config.json"), JSON.stringify(small));
    for (const name of ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"]) {
      cpSync(join(nano, name), join(base, name));
    }
    using model = openModel(base, device, { format: { kind: "f32" }, randomSeed: 1 });
    saveModel(model, base, "F32");
    const adapter = addLora(model, lora, 2);
    for (const [name, tensor] of adapter.parameters()) {
      const values = toFloats(tensor).map((value, i) => value + (name.includes("lora_B") ? Math.sin(i) : 0));
      device.write(tensor, new Uint8Array(values.buffer));
    }
    mkdirSync(run);
    mkdirSync(join(run, "adapter"));
    adapter.save(join(run, "adapter"));
    writeRun({});
    using opened = openArtefact(base, { device });
    expected = score({ model, encoder: opened.encoder });
    assert.notDeepEqual(score(opened), expected);
    adapter[Symbol.dispose]();
  });
  after(() => rmSync(folder, { recursive: true }));

  test("a run has its adapter, labels and template", () => {
    using opened = openArtefact(run, { device });
    assert.deepEqual(score(opened), expected);
    assert.equal(opened.kind, "run");
    assert.deepEqual(opened.labels, ["World", "Sports"]);
    assert.equal(opened.encodeOptions.maxLength, 99);
  });

  test("an adapter is found with its base, and frees what it held", () => {
    const { live } = device.memory();
    {
      using opened = openArtefact(join(run, "adapter"), { device });
      assert.deepEqual(score(opened), expected);
      assert.equal(opened.kind, "adapter");
      assert.equal(opened.encodeOptions.maxLength, 1024);
    }
    assert.equal(device.memory().live, live);
  });

  test("a base that was moved is given by hand", () => {
    const moved = join(folder, "moved");
    renameSync(base, moved);
    try {
      assert.throws(() => openArtefact(run, { device }), { code: "artefact/no-base", fix: /--base/ });
      using opened = openArtefact(run, { device, base: moved });
      assert.deepEqual(score(opened), expected);
    } finally {
      renameSync(moved, base);
    }
  });

  test("another chat template than in training is refused", () => {
    writeRun({ templateHash: "0".repeat(64) });
    assert.throws(() => openArtefact(run, { device }), { code: "artefact/template-changed" });
    writeRun({});
  });

  test("a run without a result, and what is nothing of ours, are refused", () => {
    writeRun({ weights: "model", status: "interrupted", steps: 3 });
    assert.throws(
      () => openArtefact(run, { device }),
      (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.describe(), /interrupted at step 3 of 7.*--resume/);
        return true;
      },
    );
    writeRun({});
    assert.throws(() => openArtefact(folder, { device }), { code: "artefact/unknown" });
    assert.throws(() => openArtefact(join(folder, "nowhere"), { device }), { code: "artefact/unknown" });
  });
});
