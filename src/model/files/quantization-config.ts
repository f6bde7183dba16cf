/** `quantization_config` of config.json: whether a checkpoint's weights are quantised in a way that is read. */
import { UserError } from "../../base/errors.ts";
import type { ConfigJson } from "./config.ts";

/** A checkpoint that bitsandbytes quantised to 4 bits. */
export interface QuantizationConfig {
  /** Whether scales are in 8 bits. */
  readonly doubleQuant: boolean;
  /** Modules that were left as they are, as transformers matches them; null: its own choice, the output head. */
  readonly skipModules: readonly string[] | null;
}

/**
 * What `quantization_config` says of a checkpoint in bitsandbytes' 4 bits; undefined where there is none.
 * @throws UserError for weights quantised in any other way, with the reason.
 */
export function readQuantizationConfig(config: ConfigJson): QuantizationConfig | undefined {
  const section = config.optionalSection("quantization_config");
  if (section === undefined) return undefined;
  // The key is younger than the first checkpoints of bitsandbytes.
  const method = section.string("quant_method", "bitsandbytes");
  if (method !== "bitsandbytes") {
    throw refuse(`the weights are quantised by "${method}", which is not read`, section.where);
  }
  if (section.boolean("load_in_8bit", false)) throw refuseInt8(section.where);
  if (!section.boolean("load_in_4bit", false)) return undefined;
  return {
    doubleQuant: section.boolean("bnb_4bit_use_double_quant", false),
    skipModules: section.optionalStrings("llm_int8_skip_modules") ?? null,
  };
}

/** The refusal of LLM.int8 weights. */
export function refuseInt8(where: string): UserError {
  return refuse(
    "the weights are in 8 bits (LLM.int8), made for products that take out columns of large activations as they run, " +
      "which is not done here",
    where,
  );
}

/** The refusal of 4-bit weights of another code than NF4. */
export function refuseCode(type: string, where: string): UserError {
  return refuse(`the weights are in 4 bits of type "${type}"; only nf4 is read`, where);
}

/** Whether transformers leaves a module as it is, by its rules for names. */
export function isSkipped({ skipModules }: QuantizationConfig, module: string): boolean {
  return (skipModules ?? ["lm_head"]).some((name) => module.startsWith(name) || module.endsWith(name));
}

function refuse(message: string, where: string): UserError {
  return new UserError({
    code: "config/quantized",
    message,
    where,
    fix: "take the checkpoint that these weights were made from; method: qlora holds it in 4 bits",
  });
}
