import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { UserError } from "../../base/errors.ts";
import { packageRoot } from "../../base/package-root.ts";
import { readAdapter, writeAdapter } from "./adapter.ts";
import { writeSafetensors } from "./safetensors-write.ts";

/** Saved by PEFT 0.21.0: rank 4 on all linear layers of a small Qwen3. */
const peft = join(packageRoot, "tests/fixtures/files/adapter");
const folder = mkdtempSync(join(tmpdir(), "fettle-adapter-"));
after(() => rmSync(folder, { recursive: true }));

function copyWith(changes: Record<string, unknown>): void {
  cpSync(peft, folder, { recursive: true });
  const path = join(folder, "adapter_config.json");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...changes }));
}

test("an adapter of PEFT is read and written back as PEFT wrote it", () => {
  const adapter = readAdapter(peft);
  assert.deepEqual(adapter.warnings, []);
  assert.equal(adapter.config.r, 4);
  assert.equal(adapter.tensors.length, 3 * 7 * 2);
  const a = adapter.tensors.find(
    ({ module, kind }) => module === "model.layers.0.self_attn.q_proj" && kind === "lora_A",
  );
  assert.deepEqual([a?.dtype, a?.shape], ["F32", [4, 48]]);
  writeAdapter(folder, adapter);
  const weights = "adapter_model.safetensors";
  assert.deepEqual(readFileSync(join(folder, weights)), readFileSync(join(peft, weights)));
  const expected = JSON.parse(readFileSync(join(peft, "adapter_config.json"), "utf8"));
  expected.target_modules.sort();
  const text = readFileSync(join(folder, "adapter_config.json"), "utf8");
  assert.equal(text, JSON.stringify(expected, null, 2).replace('"lora_dropout": 0,', '"lora_dropout": 0.0,'));
});

test("names of live PEFT models and saved heads are understood", () => {
  cpSync(peft, folder, { recursive: true });
  const bytes = new Uint8Array(8);
  const names = [
    "base_model.model.model.layers.0.q_proj.lora_A.default.weight",
    "base_model.model.model.layers.0.q_proj.lora_B.default.weight",
    "base_model.model.score.modules_to_save.default.weight",
    "base_model.model.classifier.dense.bias",
  ];
  const tensors = names.map((name) => ({
    name,
    dtype: "F32" as const,
    shape: name.includes("lora") ? [1, 1] : [1],
    bytes: bytes.subarray(0, 4),
  }));
  writeSafetensors(join(folder, "adapter_model.safetensors"), tensors);
  const read = readAdapter(folder).tensors.map(({ module, kind, parameter }) => `${module} ${kind} ${parameter}`);
  assert.deepEqual(read.sort(), [
    "classifier.dense saved bias",
    "model.layers.0.q_proj lora_A weight",
    "model.layers.0.q_proj lora_B weight",
    "score saved weight",
  ]);
  writeSafetensors(join(folder, "adapter_model.safetensors"), tensors.slice(0, 1));
  assert.throws(() => readAdapter(folder), /"model.layers.0.q_proj" has no lora_B/);
  writeSafetensors(join(folder, "adapter_model.safetensors"), [
    ...tensors.slice(0, 2),
    { name: names[0]!.replace(".default", ""), dtype: "F32", shape: [1, 1], bytes: bytes.subarray(0, 4) },
  ]);
  assert.throws(() => readAdapter(folder), /is there twice/);
  writeSafetensors(join(folder, "adapter_model.safetensors"), [
    ...tensors.slice(1, 2),
    { name: names[0]!, dtype: "F32", shape: [2, 1], bytes },
  ]);
  assert.throws(() => readAdapter(folder), /lora_A has rank 2, lora_B 1/);
});

test("unknown keys warn, features that change results are refused by name", () => {
  copyWith({ lora_alfa: 3 });
  const { warnings } = readAdapter(folder);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /"lora_alfa" is ignored .* did you mean "lora_alpha"/);
  const refused: readonly (readonly [changes: Record<string, unknown>, message: RegExp])[] = [
    [{ bias: "some" }, /uses biases of another kind/],
    [{ init_lora_weights: "pissa" }, /initialisation that changes the base/],
    [{ layer_replication: [[0, 2]] }, /layer replication/],
    [{ trainable_token_indices: [1] }, /trained token rows/],
    [{ peft_type: "ADALORA" }, /uses ADALORA/],
    [{ r: 0 }, /"r" must be a whole number above 0/],
    [{ rank_pattern: { q_proj: 0.5 } }, /"rank_pattern.q_proj" must be/],
    [{ target_modules: 3 }, /"target_modules" must be a list of strings/],
  ];
  for (const [changes, message] of refused) {
    copyWith(changes);
    assert.throws(
      () => readAdapter(folder),
      (error: unknown) => error instanceof UserError && message.test(error.message),
    );
  }
});

test("a pickled adapter is refused with the reason", () => {
  cpSync(peft, folder, { recursive: true });
  renameSync(join(folder, "adapter_model.safetensors"), join(folder, "adapter_model.bin"));
  assert.throws(() => readAdapter(folder), /pickle, which can run any code/);
});
