import { statSync } from "node:fs";
import { join } from "node:path";
import { readAdapter } from "../../model/files/adapter.ts";
import { hashWeights } from "../../tune/train/hash-weights.ts";
import { type ClassifierFacts, classifierFacts } from "./decision-facts.ts";

export interface AdapterInspection extends ClassifierFacts {
  readonly kind: "adapter";
  readonly path: string;
  /** As the adapter's maker wrote it. */
  readonly base: string | null;
  readonly r: number;
  readonly lora_alpha: number;
  readonly lora_dropout: number;
  readonly target_modules: string | readonly string[] | null;
  readonly task_type: string | null;
  /** Trained in full, such as a class head. */
  readonly modules_to_save: readonly string[] | null;
  readonly modules: number;
  readonly parameters: number;
  readonly dtypes: readonly string[];
  readonly bytes: number;
  readonly sha256: string;
  readonly problems: readonly string[];
}

/** A folder as PEFT writes it. @throws UserError when it is damaged or uses what is not supported */
export async function inspectAdapter(path: string): Promise<AdapterInspection> {
  const { config, tensors, warnings } = readAdapter(path);
  return {
    kind: "adapter",
    path,
    base: config.base_model_name_or_path,
    r: config.r,
    lora_alpha: config.lora_alpha,
    lora_dropout: config.lora_dropout,
    target_modules: config.target_modules,
    task_type: config.task_type,
    modules_to_save: config.modules_to_save,
    ...classifierFacts(path),
    modules: new Set(tensors.map(({ module }) => module)).size,
    parameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0),
    dtypes: [...new Set(tensors.map(({ dtype }) => dtype))],
    bytes: statSync(join(path, "adapter_model.safetensors")).size,
    sha256: await hashWeights(path),
    problems: warnings,
  };
}
