/** What llama.cpp is to know of a model besides its vocabulary, and what it calls its tensors. */
import { UserError } from "../../../base/errors.ts";
import type { ConfigJson } from "../../files/config.ts";
import type { GgufValue } from "../../files/gguf-types.ts";

/** Where a parameter of the checkpoint goes. */
export interface GgufTensorPlan {
  readonly name: string;
  /** Changes values [rows, …] in place, or makes new ones of the same shape; default: as they are. */
  readonly transform?: ((values: Float32Array) => Float32Array) | undefined;
  /** llama.cpp reads it in f32 only. */
  readonly inF32?: boolean;
}

/** A tensor that llama.cpp has and the checkpoint has not, in f32. */
export interface GgufExtraTensor {
  readonly name: string;
  readonly values: Float32Array;
}

export interface GgufDescription {
  /** llama.cpp's name of the architecture. */
  readonly architecture: string;
  /** Metadata under the architecture's name: `context_length`, `attention.head_count`. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** By the parameter's name. @throws Error where there is no such parameter */
  readonly tensor: (parameter: string) => GgufTensorPlan;
  readonly extra: readonly GgufExtraTensor[];
  /** What llama.cpp computes otherwise. */
  readonly notes: readonly string[];
}

/** Names of the tensors of a layer and of the rest, by the ending of the checkpoint's, without `.weight` and `.bias`. */
export interface GgufTensorNames {
  /** Up to the number of the layer: `model.layers.`. */
  readonly layerPrefix: string;
  readonly inLayer: Readonly<Record<string, string>>;
  readonly outside: Readonly<Record<string, string>>;
}

/** `model.layers.3.mlp.up_proj.weight` to `blk.3.ffn_up.weight`. */
export function ggufTensorName({ layerPrefix, inLayer, outside }: GgufTensorNames, parameter: string): string {
  const dot = parameter.lastIndexOf(".");
  const [module, kind] = [parameter.slice(0, dot), parameter.slice(dot)];
  if (!module.startsWith(layerPrefix)) return `${known(outside, module)}${kind}`;
  const inner = module.slice(layerPrefix.length);
  const end = inner.indexOf(".");
  return `blk.${inner.slice(0, end)}.${known(inLayer, inner.slice(end + 1))}${kind}`;
}

function known(names: Readonly<Record<string, string>>, module: string): string {
  const name = names[module];
  if (name === undefined) throw new Error(`llama.cpp's name of "${module}" is not known`);
  return name;
}

export const u32 = (value: number): GgufValue => ({ type: "u32", value });
export const f32 = (value: number): GgufValue => ({ type: "f32", value });
export const text = (value: string): GgufValue => ({ type: "string", value });

/** The refusal of a model that llama.cpp would compute otherwise than it was trained. */
export function notInLlamaCpp(json: ConfigJson, what: string): UserError {
  return new UserError({
    code: "export/not-in-llama-cpp",
    message: `llama.cpp cannot run this model: ${what}`,
    where: json.where,
    fix: "export to safetensors instead: --format safetensors",
  });
}
