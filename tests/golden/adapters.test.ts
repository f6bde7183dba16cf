/** Which layers adapters are put on and how strongly, and what of them outlives the disk. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { openReferenceDevice } from "../../src/engine/open-device.ts";
import { scope } from "../../src/engine/tensor/scope.ts";
import { fromHost, type Tensor, toFloats } from "../../src/engine/tensor/tensor.ts";
import { AdapterSet } from "../../src/model/families/adapter-set.ts";
import { addLora, type Lora, type LoraConfig, loadLora } from "../../src/model/families/lora.ts";
import { type Model, openModel } from "../../src/model/families/model.ts";
import { openSafetensors } from "../../src/model/files/safetensors.ts";
import { packExamples } from "../../src/tune/data/pack.ts";
import { plainLora } from "../helpers/lora-config.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-lora-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const device = openReferenceDevice();
const fixture = (family: string): string => join(packageRoot, "tests/fixtures/parity", family, "model");

const open = (family: string): Model => openModel(fixture(family), device, { format: { kind: "f32" } });

/** Other values than those of a fresh adapter, which changes nothing. */
function fill(parameters: ReadonlyMap<string, Tensor>): void {
  let i = 0;
  for (const tensor of parameters.values()) {
    const values = toFloats(tensor).map((value) => value + 0.1 * Math.sin(i++));
    device.copy(fromHost(device, values), tensor);
  }
}

function logits({ decoder }: Model): Float32Array {
  const example = { ids: Int32Array.of(3, 1, 4, 1, 5, 9), supervised: new Uint8Array(6) };
  const [pack] = packExamples([example], { enabled: false, sharePrompts: false, maxTokens: 64 });
  return scope(() => decoder.logits(decoder.hidden(pack!)));
}

function saved(lora: Lora): { folder: string; config: Record<string, unknown>; names: string[] } {
  const folder = mkdtempSync(join(scratch, "adapter-"));
  lora.save(folder);
  using file = openSafetensors(join(folder, "adapter_model.safetensors"));
  const config = JSON.parse(readFileSync(join(folder, "adapter_config.json"), "utf8")) as Record<string, unknown>;
  return { folder, config, names: [...file.tensors.keys()] };
}

/** The adapter gives the same answers after a way through the disk, and the base its own when it is gone. */
function checkRoundTrip(family: string, changes: Partial<LoraConfig>): ReturnType<typeof saved> & { lora: Lora } {
  using model = open(family);
  const base = logits(model);
  const lora = addLora(model, { ...plainLora, ...changes }, 1);
  // DoRA scales rows by their length and back.
  logits(model).forEach((logit, i) => {
    assert.ok(Math.abs(logit - base[i]!) < 1e-5);
  });
  fill(lora.parameters());
  const before = logits(model);
  assert.notDeepEqual(before, base);
  const kept = saved(lora);
  lora[Symbol.dispose]();
  assert.deepEqual(logits(model), base);
  using again = loadLora(model, kept.folder).lora;
  assert.deepEqual(logits(model), before);
  assert.deepEqual(again.modules, lora.modules);
  assert.deepEqual(saved(again).config, kept.config);
  return { ...kept, lora };
}

test("layers and modules that are left out stay out, and PEFT's keys say so", () => {
  const { lora, config } = checkRoundTrip("qwen2", {
    exclude_modules: ["v_proj"],
    layers_to_transform: [1],
    layers_pattern: "layers",
  });
  assert.ok(lora.modules.length > 0);
  assert.ok(lora.modules.every((name) => name.includes(".layers.1.") && !name.endsWith("v_proj")));
  assert.deepEqual(config.layers_to_transform, [1]);
  assert.equal(config.layers_pattern, "layers");
  assert.deepEqual(config.exclude_modules, ["v_proj"]);
  const all = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"];
  assert.deepEqual(config.target_modules, all);
});

test("ranks and alphas by pattern", () => {
  const { config } = checkRoundTrip("qwen2", {
    use_rslora: true,
    rank_pattern: { "layers\\.1\\..*up_proj": 2, v_proj: 6 },
    alpha_pattern: { q_proj: 3 },
  });
  assert.equal(config.use_rslora, true);
  assert.deepEqual(config.rank_pattern, { "layers\\.1\\..*up_proj": 2, v_proj: 6 });
  assert.deepEqual(config.alpha_pattern, { q_proj: 3 });
});

test("DoRA, with a magnitude by the name that PEFT gives it", () => {
  const { names, config } = checkRoundTrip("qwen2", { use_dora: true, use_rslora: true, bias: "lora_only" });
  assert.equal(config.use_dora, true);
  assert.ok(names.includes("base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector"));
});

test("biases of adapted layers, under the names of their base layers", () => {
  const { names, config } = checkRoundTrip("qwen2", { bias: "lora_only", target_modules: ["q_proj", "o_proj"] });
  assert.equal(config.bias, "lora_only");
  const biases = names.filter((name) => name.endsWith("bias"));
  assert.ok(biases.length > 0);
  // Qwen2's o_proj has no bias, and k_proj and v_proj no adapter.
  assert.ok(biases.every((name) => name.endsWith("self_attn.q_proj.base_layer.bias")));
});

test("all biases, of norms too", () => {
  const { names } = checkRoundTrip("gpt_bigcode", { bias: "all", target_modules: ["c_fc"] });
  assert.ok(names.includes("base_model.model.transformer.h.0.ln_1.bias"));
  assert.ok(names.includes("base_model.model.transformer.h.0.mlp.c_fc.base_layer.bias"));
  assert.ok(names.includes("base_model.model.transformer.h.0.attn.c_attn.bias"));
  using model = open("gpt_bigcode");
  const expected = model.parameters.names().filter((name) => name.endsWith(".bias"));
  assert.equal(names.filter((name) => name.endsWith("bias")).length, expected.length);
});

test("several adapters on one base, one at a time", () => {
  using model = open("qwen2");
  const folders = [
    { use_dora: true, r: 2 },
    { target_modules: ["q_proj"], bias: "lora_only" as const, r: 6 },
  ].map((changes) => {
    using lora = addLora(model, { ...plainLora, ...changes }, 1);
    fill(lora.parameters());
    return { logits: logits(model), folder: saved(lora).folder };
  });
  const base = logits(model);
  const live = device.memory().live;
  {
    using adapters = new AdapterSet(model);
    folders.forEach(({ folder }, i) => {
      adapters.attach(`${i}`, folder);
    });
    assert.deepEqual(logits(model), base);
    for (const name of ["1", "0", "1"]) {
      adapters.choose(name);
      assert.deepEqual(logits(model), folders[Number(name)]!.logits);
    }
    assert.throws(() => adapters.attach("1", folders[1]!.folder), /already/);
    assert.throws(() => adapters.choose("2"), /there is no adapter "2"/);
    assert.throws(() => adapters.attach("bad", fixture("qwen2")), /cannot read/);
    assert.deepEqual(logits(model), folders[1]!.logits);
    adapters.choose(null);
    assert.deepEqual(logits(model), base);
    adapters.choose("0");
  }
  assert.deepEqual(logits(model), base);
  assert.equal(device.memory().live, live);
});

test("an adapter without the biases that it is to have is refused", () => {
  using model = open("gpt_bigcode");
  using lora = addLora(model, { ...plainLora, bias: "lora_only", target_modules: ["c_fc"] }, 1);
  const { folder } = saved(lora);
  using other = open("qwen2");
  assert.throws(() => loadLora(other, folder), /that the model does not have/);
});
