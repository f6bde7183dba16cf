import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { type AdapterConfig, adapterConfigJson, parseAdapterConfig } from "./adapter-config.ts";
import { makeFolder, writeFileAtomic } from "./atomic.ts";
import { readConfigJson } from "./config.ts";
import { formatPythonJson } from "./python-json.ts";
import { openSafetensors } from "./safetensors.ts";
import type { SafetensorsDtype } from "./safetensors-dtype.ts";
import { type TensorToWrite, writeSafetensors } from "./safetensors-write.ts";
import { refusePickle } from "./weights.ts";

export type { AdapterConfig } from "./adapter-config.ts";

const CONFIG_FILE = "adapter_config.json";
const WEIGHTS_FILE = "adapter_model.safetensors";
const PREFIX = "base_model.model.";

/**
 * `lora_A` [r, in], `lora_B` [out, r] and, of DoRA, `lora_magnitude_vector` [out] of a Linear; `base_layer`: its own bias, trained; `saved`: a parameter of another
 * module, trained.
 */
export type AdapterTensorKind = "lora_A" | "lora_B" | "lora_magnitude_vector" | "base_layer" | "saved";

export interface AdapterTensor {
  /** Path in the base model, e.g. `model.layers.0.self_attn.q_proj`, or `score`. */
  readonly module: string;
  readonly kind: AdapterTensorKind;
  /** `weight` or `bias` of the module; always `weight` for what begins with `lora_`, `bias` for `base_layer`. */
  readonly parameter: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Row-major, little-endian. */
  readonly bytes: Uint8Array;
}

export interface Adapter {
  readonly config: AdapterConfig;
  readonly tensors: readonly AdapterTensor[];
  /** What was ignored and should be shown. */
  readonly warnings: readonly string[];
}

/** Endings of tensor names that belong to adapters which are not supported. */
const UNSUPPORTED_SUFFIXES: readonly (readonly [suffix: RegExp, feature: string])[] = [
  [/\.lora_embedding_[AB]$/, "adapters on embeddings"],
  [/\.lora_B\.bias$/, "LoRA biases"],
  [/\.lora_E$|\.lora_[AB]$/, "AdaLoRA"],
  [/\.base_layer\.weight$/, "saved base weights of an adapted layer"],
  [/\.token_adapter\./, "trained token rows"],
];

/**
 * Reads a PEFT adapter folder: `adapter_config.json` and `adapter_model.safetensors`.
 * @throws UserError when files are missing, damaged or pickled, or use a feature that is not supported.
 */
export function readAdapter(folder: string): Adapter {
  const { config, warnings } = parseAdapterConfig(readConfigJson(folder, CONFIG_FILE));
  const path = join(folder, WEIGHTS_FILE);
  const pickle = join(folder, "adapter_model.bin");
  if (!existsSync(path) && existsSync(pickle)) throw refusePickle(pickle);
  using file = openSafetensors(path);
  const tensors: AdapterTensor[] = [];
  for (const [name, { dtype, shape }] of file.tensors) {
    tensors.push({ ...parseTensorName(name, path), dtype, shape, bytes: file.read(name) });
  }
  checkPairs(tensors, path);
  return { config, tensors, warnings };
}

export interface AdapterToWrite {
  /** Keys not given take PEFT's defaults. */
  readonly config: Partial<AdapterConfig>;
  readonly tensors: readonly (Omit<AdapterTensor, "bytes"> & Pick<TensorToWrite, "bytes">)[];
}

/** Writes a PEFT adapter folder, made if need be, that PEFT and vLLM load; each of the two files atomically. */
export function writeAdapter(folder: string, { config, tensors }: AdapterToWrite): void {
  makeFolder(folder);
  writeSafetensors(
    join(folder, WEIGHTS_FILE),
    tensors.map(({ module, kind, parameter, dtype, shape, bytes }) => ({
      name: `${PREFIX}${adapterTensorName({ module, kind, parameter })}`,
      dtype,
      shape,
      bytes,
    })),
  );
  const floatKeys = new Set(["lora_dropout"]);
  writeFileAtomic(join(folder, CONFIG_FILE), formatPythonJson(adapterConfigJson(config), floatKeys));
}

/** PEFT's name of a tensor, without the prefix. */
export function adapterTensorName({
  module,
  kind,
  parameter,
}: Pick<AdapterTensor, "module" | "kind" | "parameter">): string {
  if (kind === "saved") return `${module}.${parameter}`;
  return kind === "lora_magnitude_vector" ? `${module}.${kind}` : `${module}.${kind}.${parameter}`;
}

function parseTensorName(name: string, path: string): Pick<AdapterTensor, "module" | "kind" | "parameter"> {
  // Some tools leak the adapter's name and PEFT's wrapper into the keys.
  const plain = name
    .replace(/^base_model\.model\./, "")
    .replace(/\.(lora_\w+|modules_to_save)\.default(?=\.|$)/, ".$1")
    .replace(/\.modules_to_save(?=\.)/, "");
  for (const [suffix, feature] of UNSUPPORTED_SUFFIXES) {
    if (suffix.test(plain)) {
      throw new UserError({
        code: "adapter/unsupported",
        message: `the adapter uses ${feature} (tensor "${name}"), which is not supported`,
        where: path,
        fix: "merge the adapter into its base with the tool that made it, and use the merged model",
      });
    }
  }
  const lora = /^(.+)\.(lora_[AB])\.weight$/.exec(plain);
  if (lora !== null) return { module: lora[1]!, kind: lora[2] as "lora_A" | "lora_B", parameter: "weight" };
  const magnitude = /^(.+)\.lora_magnitude_vector(\.weight)?$/.exec(plain);
  if (magnitude !== null) return { module: magnitude[1]!, kind: "lora_magnitude_vector", parameter: "weight" };
  const base = /^(.+)\.base_layer\.bias$/.exec(plain);
  if (base !== null) return { module: base[1]!, kind: "base_layer", parameter: "bias" };
  const saved = /^(.+)\.(weight|bias)$/.exec(plain);
  if (saved !== null && !plain.includes(".lora_")) return { module: saved[1]!, kind: "saved", parameter: saved[2]! };
  throw badTensor(path, `tensor "${name}" is not a part of a LoRA adapter`);
}

/** Every lora_A needs its lora_B, of the same rank, and once. */
function checkPairs(tensors: readonly AdapterTensor[], path: string): void {
  const shapes = { lora_A: new Map<string, readonly number[]>(), lora_B: new Map<string, readonly number[]>() };
  const seen = new Set<string>();
  for (const { module, kind, parameter, shape } of tensors) {
    const name = `${module}.${kind}.${parameter}`;
    if (seen.has(name)) throw badTensor(path, `${name} is there twice, under different spellings`);
    seen.add(name);
    if (kind !== "lora_A" && kind !== "lora_B") continue;
    if (shape.length !== 2) throw badTensor(path, `${name} must have two dimensions, it has [${shape.join(", ")}]`);
    shapes[kind].set(module, shape);
  }
  for (const module of new Set([...shapes.lora_A.keys(), ...shapes.lora_B.keys()])) {
    const a = shapes.lora_A.get(module);
    const b = shapes.lora_B.get(module);
    if (a === undefined || b === undefined) {
      throw badTensor(path, `"${module}" has no ${a === undefined ? "lora_A" : "lora_B"}`);
    }
    if (a[0] !== b[1]) throw badTensor(path, `"${module}": lora_A has rank ${a[0]}, lora_B ${b[1]}`);
  }
}

function badTensor(path: string, message: string): UserError {
  return new UserError({
    code: "adapter/bad-tensor",
    message,
    where: path,
    fix: "the adapter is damaged or of another kind: save it again with PEFT",
  });
}
