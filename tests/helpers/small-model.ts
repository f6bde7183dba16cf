import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/base/package-root.ts";
import { openReferenceDevice } from "../../src/engine/open-device.ts";
import { openModel, saveModel } from "../../src/model/families/model.ts";

/** Writes a model of two small layers with random weights and fettle-nano's tokenizer and template. */
export function writeSmallModel(folder: string): void {
  cpSync(join(packageRoot, "models/fettle-nano"), folder, {
    recursive: true,
    filter: (path) => !path.endsWith(".safetensors"),
  });
  const path = join(folder, "config.json");
  const sizes = { hidden_size: 32, intermediate_size: 48, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8 };
  const config = { ...JSON.parse(readFileSync(path, "utf8")), ...sizes, num_hidden_layers: 2, layer_types: undefined };
  writeFileSync(path, JSON.stringify(config));
  const device = openReferenceDevice();
  using model = openModel(folder, device, { format: { kind: "f32" }, randomSeed: 1 });
  saveModel(model, folder, "F32");
}
