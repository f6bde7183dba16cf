/**
 * What vLLM takes of an adapter (vllm/lora/peft_helper.py, vllm/lora/lora_model.py, vllm/config/lora.py), checked before a
 * server refuses it.
 */
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { UserError, UserErrors } from "../../base/errors.ts";
import { type ConfigJson, readConfigJson } from "../../model/files/config.ts";
import { fileError } from "../../model/files/file-error.ts";
import { isJsonObject } from "../../model/files/json-file.ts";
import { openSafetensors } from "../../model/files/safetensors.ts";
import type { ArtefactParts } from "../../tune/train/artefact-parts.ts";

/** Values of --max-lora-rank. */
const RANKS = [8, 16, 32, 64, 128, 256, 320, 512] as const;

const LLAMA_LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/** Layers that may have an adapter, by `model_type`; a family that is not here has none in vLLM. */
const layersOf: Readonly<Record<string, readonly string[]>> = {
  gemma: LLAMA_LAYERS,
  gemma2: LLAMA_LAYERS,
  gemma3_text: LLAMA_LAYERS,
  gpt_bigcode: ["c_attn", "c_proj", "c_fc"],
  llama: LLAMA_LAYERS,
  mistral: LLAMA_LAYERS,
  qwen2: LLAMA_LAYERS,
  qwen3: LLAMA_LAYERS,
};

/** Initialisations that leave the base as it was. */
const INITIALISATIONS = ["gaussian", "eva", "orthogonal", "mica", "lora_ga"];

export interface VllmAdapter {
  /** What the server is to be called with. */
  readonly maxRank: (typeof RANKS)[number];
  readonly notes: readonly string[];
}

/** @throws UserErrors with everything that vLLM would refuse */
export function checkForVllm({ modelFolder, adapterFolder }: ArtefactParts): VllmAdapter {
  if (adapterFolder === undefined) {
    throw new UserError({
      code: "export/no-adapter",
      message: "there is no adapter: this is a whole model, which vLLM serves as it is",
      where: modelFolder,
      fix: `vllm serve ${modelFolder}`,
    });
  }
  const config = readConfigJson(adapterFolder, "adapter_config.json");
  const problems = [
    ...featureProblems(config),
    ...layerProblems(adapterFolder, readConfigJson(modelFolder).string("model_type")),
  ];
  const rank = Math.max(config.integer("r", 8), ...numbersIn(config, "rank_pattern"));
  const maxRank = RANKS.find((allowed) => rank <= allowed);
  if (maxRank === undefined) problems.push(["r", `rank ${rank} is above vLLM's largest, ${RANKS.at(-1)}`]);
  if (maxRank !== undefined && problems.length === 0) return { maxRank, notes: notesOn(config) };
  throw new UserErrors(
    "export/not-for-vllm",
    `vLLM does not take this adapter (${adapterFolder}); merge it instead: --format safetensors`,
    problems.map(([key, message]) => new UserError({ code: "export/not-for-vllm", message, where: key })),
  );
}

type Problem = readonly [key: string, message: string];

function featureProblems(config: ConfigJson): Problem[] {
  const { json } = config;
  const isOn = (key: string): boolean => json[key] !== undefined && json[key] !== null && json[key] !== false;
  const saved = json.modules_to_save;
  const rules: readonly (readonly [boolean, string, string])[] = [
    [isOn("use_dora"), "use_dora", "vLLM has no DoRA"],
    [isOn("bias") && json.bias !== "none", "bias", "vLLM has no trained biases"],
    [isOn("lora_bias"), "lora_bias", "vLLM has no biases on lora_B"],
    [
      Array.isArray(saved) ? saved.length > 0 : isOn("modules_to_save"),
      "modules_to_save",
      `vLLM takes no modules trained in full (${JSON.stringify(saved)})`,
    ],
    [
      typeof json.init_lora_weights === "string" && !INITIALISATIONS.includes(json.init_lora_weights),
      "init_lora_weights",
      `vLLM takes no adapter that began as "${json.init_lora_weights}"`,
    ],
    ...["layer_replication", "alora_invocation_tokens", "use_qalora", "use_bdlora"].map(
      (key) => [isOn(key), key, `vLLM has no ${key}`] as const,
    ),
  ];
  return rules.filter(([applies]) => applies).map(([, key, message]) => [key, message]);
}

function layerProblems(adapterFolder: string, family: string): Problem[] {
  const known = Object.hasOwn(layersOf, family) ? layersOf[family]! : undefined;
  if (known === undefined) return [["model_type", `vLLM has no adapters for models of type "${family}"`]];
  using file = openSafetensors(join(adapterFolder, "adapter_model.safetensors"));
  const others = new Set<string>();
  for (const name of file.tensors.keys()) {
    const layer = /([^.]+)\.lora_[AB]\.weight$/.exec(name)?.[1];
    if (layer === undefined || !known.includes(layer)) others.add(layer ?? name);
  }
  if (others.size === 0) return [];
  const shown = [...others].slice(0, 8).join(", ");
  return [["target_modules", `vLLM has adapters on ${known.join(", ")} of ${family}, and none on ${shown}`]];
}

function notesOn(config: ConfigJson): string[] {
  const patterns = ["rank_pattern", "alpha_pattern"].filter((key) => numbersIn(config, key).length > 0);
  return patterns.map(
    (key) => `${key} is read by recent releases of vLLM only; older ones go by r and lora_alpha alone`,
  );
}

function numbersIn(config: ConfigJson, key: string): number[] {
  const patterns = config.json[key];
  if (!isJsonObject(patterns)) return [];
  return Object.values(patterns).filter((value) => typeof value === "number");
}

/** Copies the adapter as vLLM reads it. @throws UserError when the disk is full */
export function copyAdapter(from: string, to: string): void {
  for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
    const source = join(from, name);
    try {
      if (existsSync(source)) copyFileSync(source, join(to, name));
    } catch (error) {
      throw fileError("copy", source, error);
    }
  }
}
