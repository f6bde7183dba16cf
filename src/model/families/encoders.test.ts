/** Encoders as they are found: other spellings of names and keys, heads that are missing or of another task. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { packageRoot } from "../../base/package-root.ts";
import { openReferenceDevice } from "../../engine/open-device.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { toFloats } from "../../engine/tensor/tensor.ts";
import { ConfigJson, readConfigJson, writeConfigJson } from "../files/config.ts";
import type { JsonObject } from "../files/json-file.ts";
import { openSafetensors } from "../files/safetensors.ts";
import { type TensorToWrite, writeSafetensors } from "../files/safetensors-write.ts";
import { families } from "./index.ts";
import { type ClassHeadOptions, openModel } from "./model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-encoder-files-"));
after(() => rmSync(scratch, { recursive: true }));
const device = openReferenceDevice();
const fixture = (family: string): string => join(packageRoot, "tests/fixtures/parity", family, "classifier");
const WEIGHTS = "model.safetensors";
let made = 0;

interface Changes {
  /** Of tensors; undefined drops one. */
  readonly rename?: (name: string) => string | undefined;
  readonly extra?: Readonly<Record<string, readonly number[]>>;
  readonly config?: JsonObject;
}

/** A copy of a fixture's classifier with changes. */
function changed(family: string, { rename = (name) => name, extra = {}, config = {} }: Changes): string {
  const folder = join(scratch, `${family}-${made++}`);
  cpSync(fixture(family), folder, { recursive: true });
  writeConfigJson(folder, readConfigJson(folder).with(config));
  using file = openSafetensors(join(fixture(family), WEIGHTS));
  const tensors = [...file.tensors].flatMap(([name, { dtype, shape }]): TensorToWrite[] => {
    const renamed = rename(name);
    return renamed === undefined ? [] : [{ name: renamed, dtype, shape, bytes: file.read(name) }];
  });
  const others = Object.entries(extra).map(([name, shape]): TensorToWrite => {
    const count = shape.reduce((product, size) => product * size, 1);
    return { name, dtype: "F32", shape, bytes: new Uint8Array(4 * count) };
  });
  writeSafetensors(join(folder, WEIGHTS), [...tensors, ...others]);
  return folder;
}

const head: ClassHeadOptions["config"] = { labels: 5, dense: [], activation: "gelu", dropout: 0 };

/** Scores of some text, and what the checkpoint did not have. */
function scored(folder: string, seed: number | undefined = 1): { logits: Float32Array; fresh: readonly string[] } {
  using model = openModel(folder, device, { format: { kind: "f32" }, classHead: { config: head, seed } });
  const tokens = Int32Array.from({ length: 20 }, (_, i) => 5 + ((i * 7) % 50));
  const sequence = { tokens, positions: tokens.map((_, i) => i), expiry: new Int32Array(20).fill(20) };
  const logits = scope(() => ({
    values: toFloats(model.classHead!.logits(model.decoder.hidden(sequence, { rows: Int32Array.of(0) }))),
  })).values;
  return { logits, fresh: [...model.classHead!.fresh] };
}

describe("names of tensors", () => {
  const prefixes: Readonly<Record<string, string>> = { bert: "bert", roberta: "roberta", modernbert: "model" };
  for (const [family, prefix] of Object.entries(prefixes)) {
    test(`${family} without its prefix, as a model is saved that has no head`, () => {
      const rename = (name: string): string => name.replace(`${prefix}.`, "");
      assert.deepEqual(scored(changed(family, { rename })), scored(fixture(family)));
    });
  }

  test("norms by TensorFlow's names", () => {
    const rename = (name: string): string =>
      name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
    assert.deepEqual(scored(changed("bert", { rename })), scored(fixture("bert")));
  });

  test("heads of other tasks are left aside, tensors that nobody knows are not", () => {
    const rename = (name: string): string | undefined => (name.startsWith("classifier") ? undefined : name);
    const beside: Readonly<Record<string, readonly string[]>> = {
      bert: ["cls.predictions.bias", "cls.seq_relationship.weight", "bert.embeddings.position_ids"],
      roberta: ["lm_head.dense.weight", "roberta.pooler.dense.weight"],
      modernbert: ["decoder.bias"],
    };
    for (const [family, names] of Object.entries(beside)) {
      const extra = Object.fromEntries(names.map((name) => [name, [2]]));
      const { fresh } = scored(changed(family, { rename, extra }));
      assert.ok(fresh.length > 0 && fresh.every((name) => name.startsWith("classifier")), fresh.join());
    }
    const strange = { extra: { "bert.encoder.layer.9.output.dense.bias": [24] } };
    assert.throws(() => scored(changed("bert", strange)), { code: "model/unused-weights" });
  });
});

describe("class heads", () => {
  const without = (part: string): string =>
    changed("bert", { rename: (name) => (name.includes(part) ? undefined : name) });

  test("what is missing begins anew, the same for the same seed, and what is there is kept", () => {
    const path = without("pooler");
    const { fresh, logits } = scored(path);
    assert.deepEqual(fresh, ["bert.pooler.dense.weight", "bert.pooler.dense.bias"]);
    assert.deepEqual(scored(path).logits, logits);
    assert.notDeepEqual(scored(path, 2).logits, logits);
    assert.deepEqual(scored(without("classifier")).fresh, ["classifier.weight", "classifier.bias"]);
    assert.deepEqual(scored(fixture("bert")).fresh, []);
  });

  test("of other labels", () => {
    const classHead = { config: { ...head, labels: 3 }, seed: 1 };
    assert.throws(() => openModel(fixture("bert"), device, { format: { kind: "f32" }, classHead }), {
      code: "model/other-class-head",
      message: /classifier\.weight \[5, 24\]/,
    });
  });

  test("an encoder has no other", () => {
    assert.throws(() => openModel(fixture("bert"), device, { format: { kind: "f32" } }), { code: "model/encoder" });
  });
});

describe("config.json", () => {
  const refused = (family: string, changes: JsonObject): void => {
    const { json } = readConfigJson(fixture(family)).with(changes);
    const read = (): unknown => families[family]!.readConfig(new ConfigJson("config.json", json));
    assert.throws(read, { code: "config/wrong-value", message: new RegExp(`"${Object.keys(changes)[0]}"`) });
  };

  test("what is not an encoder of this kind", () => {
    refused("bert", { position_embedding_type: "relative_key" });
    refused("bert", { is_decoder: true });
    refused("roberta", { add_cross_attention: true });
    refused("bert", { num_attention_heads: 5 });
    refused("roberta", { pad_token_id: 95 });
    refused("modernbert", { classifier_pooling: "max" });
    refused("modernbert", { global_attn_every_n_layers: 0 });
  });

  test("ModernBERT's as transformers 4 wrote it", () => {
    const config = {
      ...{ rope_parameters: null, layer_types: null, global_rope_theta: 160000, local_rope_theta: 10000 },
      ...{ global_attn_every_n_layers: 3, reference_compile: false, hidden_activation: "gelu" },
    };
    assert.deepEqual(scored(changed("modernbert", { config })), scored(fixture("modernbert")));
    const other = changed("modernbert", { config: { ...config, local_rope_theta: 500 } });
    assert.notDeepEqual(scored(other).logits, scored(fixture("modernbert")).logits);
  });
});
