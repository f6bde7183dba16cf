import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { ConfigJson } from "./config.ts";
import { describeJson, type JsonObject, type JsonValue } from "./json-file.ts";

/** Version of PEFT whose set of keys is written. */
const PEFT_VERSION = "0.21.0";

/** Every key PEFT 0.21 writes for LoRA, with its default; the names and meanings are PEFT's. */
export interface AdapterConfig {
  readonly peft_type: "LORA";
  readonly base_model_name_or_path: string | null;
  /** Of the base model, on the hub. */
  readonly revision: string | null;
  readonly task_type: string | null;
  readonly r: number;
  readonly lora_alpha: number;
  readonly lora_dropout: number;
  readonly use_rslora: boolean;
  readonly use_dora: boolean;
  /** Module names or suffixes; a string is a regular expression for the whole path, or `all-linear`. */
  readonly target_modules: string | readonly string[] | null;
  readonly exclude_modules: string | readonly string[] | null;
  readonly layers_to_transform: number | readonly number[] | null;
  readonly layers_pattern: string | readonly string[] | null;
  readonly modules_to_save: readonly string[] | null;
  readonly rank_pattern: Readonly<Record<string, number>>;
  readonly alpha_pattern: Readonly<Record<string, number>>;
  /** Biases of the base that are trained and saved beside the factors. */
  readonly bias: AdapterBias;
}

const BIASES = ["none", "all", "lora_only"] as const;

/** None, every bias of the model, or those of adapted layers. */
export type AdapterBias = (typeof BIASES)[number];

/** The keys that `AdapterConfig` does not name: PEFT writes them, and here they keep the value that changes nothing. */
const OTHER_KEYS: Readonly<JsonObject> = {
  alora_invocation_tokens: null,
  arrow_config: null,
  auto_mapping: null,
  corda_config: null,
  ensure_weight_tying: false,
  eva_config: null,
  fan_in_fan_out: false,
  inference_mode: true,
  init_lora_weights: true,
  kasa_config: null,
  layer_replication: null,
  loftq_config: {},
  lora_bias: false,
  lora_ga_config: null,
  megatron_config: null,
  megatron_core: "megatron.core",
  monteclora_config: null,
  peft_version: PEFT_VERSION,
  qalora_group_size: 16,
  target_parameters: null,
  trainable_token_indices: null,
  use_bdlora: null,
  use_qalora: false,
  velora_config: null,
};

const DEFAULTS: AdapterConfig = {
  peft_type: "LORA",
  base_model_name_or_path: null,
  revision: null,
  task_type: null,
  r: 8,
  lora_alpha: 8,
  lora_dropout: 0,
  use_rslora: false,
  use_dora: false,
  target_modules: null,
  exclude_modules: null,
  layers_to_transform: null,
  layers_pattern: null,
  modules_to_save: null,
  rank_pattern: {},
  alpha_pattern: {},
  bias: "none",
};

const isOff = (value: JsonValue): boolean => value === null || value === false;

/**
 * What changes an adapter's results and is not implemented, in one table: the key, when its value is harmless, and the
 * feature's name. Implementing a feature means removing its line.
 */
const UNSUPPORTED: readonly { key: string; harmless: (value: JsonValue) => boolean; feature: string }[] = [
  { key: "alora_invocation_tokens", harmless: isOff, feature: "activated LoRA" },
  { key: "arrow_config", harmless: isOff, feature: "Arrow routing" },
  { key: "ensure_weight_tying", harmless: isOff, feature: "tied trained weights" },
  { key: "fan_in_fan_out", harmless: isOff, feature: "Conv1D layers" },
  {
    key: "init_lora_weights",
    harmless: (value) => typeof value !== "string" || /^(gaussian|eva|orthogonal|true|false)$/.test(value),
    feature: "an initialisation that changes the base weights",
  },
  { key: "kasa_config", harmless: isOff, feature: "KaSA" },
  { key: "layer_replication", harmless: isOff, feature: "layer replication" },
  { key: "lora_bias", harmless: isOff, feature: "LoRA biases" },
  { key: "megatron_config", harmless: isOff, feature: "Megatron layers" },
  { key: "monteclora_config", harmless: isOff, feature: "MonteCLoRA" },
  { key: "target_parameters", harmless: isEmpty, feature: "adapters on raw parameters" },
  { key: "trainable_token_indices", harmless: isEmpty, feature: "trained token rows" },
  { key: "use_bdlora", harmless: isOff, feature: "BD-LoRA" },
  { key: "use_qalora", harmless: isOff, feature: "QALoRA" },
  { key: "velora_config", harmless: isOff, feature: "VeLoRA" },
];

function isEmpty(value: JsonValue): boolean {
  return isOff(value) || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
}

/**
 * Checks the parsed adapter_config.json. Missing keys take PEFT's defaults.
 * @returns the configuration, and a warning for every key that is not known.
 * @throws UserError for a feature that is not supported, by name, and for a value of the wrong type.
 */
export function parseAdapterConfig(file: ConfigJson): { config: AdapterConfig; warnings: string[] } {
  const peftType = file.string("peft_type");
  if (peftType !== "LORA") throw unsupported(file, "peft_type", peftType);
  for (const { key, harmless, feature } of UNSUPPORTED) {
    const value = file.json[key];
    if (value !== undefined && !harmless(value)) throw unsupported(file, key, feature);
  }
  const known = [...Object.keys(DEFAULTS), ...Object.keys(OTHER_KEYS)];
  const warnings = Object.keys(file.json)
    .filter((key) => !known.includes(key))
    .map((key) => `unknown key "${key}" is ignored (${file.where}); ${suggestName(key, known)}`);
  const config: AdapterConfig = {
    peft_type: "LORA",
    base_model_name_or_path: file.optionalString("base_model_name_or_path") ?? null,
    revision: file.optionalString("revision") ?? null,
    task_type: file.optionalString("task_type") ?? null,
    r: positive(file, "r", file.integer("r", DEFAULTS.r)),
    lora_alpha: file.number("lora_alpha", DEFAULTS.lora_alpha),
    lora_dropout: file.number("lora_dropout", DEFAULTS.lora_dropout),
    use_rslora: file.boolean("use_rslora", false),
    use_dora: file.boolean("use_dora", false),
    target_modules: stringOrList(file, "target_modules"),
    exclude_modules: stringOrList(file, "exclude_modules"),
    layers_to_transform: integerOrList(file, "layers_to_transform"),
    layers_pattern: stringOrList(file, "layers_pattern"),
    modules_to_save: file.optionalStrings("modules_to_save") ?? null,
    rank_pattern: numbersByPattern(file, "rank_pattern"),
    alpha_pattern: numbersByPattern(file, "alpha_pattern"),
    bias: biasOf(file),
  };
  for (const [pattern, rank] of Object.entries(config.rank_pattern)) positive(file, `rank_pattern.${pattern}`, rank);
  return { config, warnings };
}

/** The JSON object PEFT would write: every key of its set, target modules sorted. */
export function adapterConfigJson(config: Partial<AdapterConfig>): JsonObject {
  const full = { ...OTHER_KEYS, ...DEFAULTS, ...config };
  const sorted = (names: string | readonly string[] | null): JsonValue =>
    typeof names === "object" && names !== null ? [...names].sort() : names;
  return {
    ...(full as unknown as JsonObject),
    target_modules: sorted(full.target_modules),
    exclude_modules: sorted(full.exclude_modules),
  };
}

function stringOrList(file: ConfigJson, key: string): string | string[] | null {
  if (typeof file.json[key] === "string") return file.string(key);
  return file.optionalStrings(key) ?? null;
}

function integerOrList(file: ConfigJson, key: string): number | readonly number[] | null {
  if (!file.has(key)) return null;
  return typeof file.json[key] === "number" ? file.integer(key) : file.integers(key);
}

function biasOf(file: ConfigJson): AdapterBias {
  const value = file.optionalString("bias") ?? DEFAULTS.bias;
  const bias = BIASES.find((known) => known === value);
  if (bias === undefined) throw unsupported(file, "bias", "biases of another kind");
  return bias;
}

function numbersByPattern(file: ConfigJson, key: string): Record<string, number> {
  const section = file.optionalSection(key);
  if (section === undefined) return {};
  return Object.fromEntries(Object.keys(section.json).map((pattern) => [pattern, section.number(pattern)]));
}

function positive(file: ConfigJson, key: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UserError({
    code: "config/wrong-value",
    message: `"${key}" must be a whole number above 0, it is ${describeJson(value)}`,
    where: file.where,
    fix: "the adapter is damaged or of another kind",
  });
}

function unsupported(file: ConfigJson, key: string, feature: string): UserError {
  return new UserError({
    code: "adapter/unsupported",
    message: `the adapter uses ${feature} ("${key}": ${JSON.stringify(file.json[key])}), which is not supported`,
    where: file.where,
    fix: "merge the adapter into its base with the tool that made it, and use the merged model",
  });
}
