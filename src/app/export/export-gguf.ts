/** A GGUF file for llama.cpp, and a Modelfile for Ollama beside it. */
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { writeGgufModel } from "../../model/families/gguf/write-model.ts";
import { writeFileAtomic } from "../../model/files/atomic.ts";
import type { GgmlType } from "../../model/files/gguf-types.ts";
import type { ExportSource } from "./export-source.ts";
import { ollamaModelfile } from "./ollama-modelfile.ts";

export interface GgufExportOptions {
  /** Of the matrices. */
  readonly type: GgmlType;
  readonly onProgress: (done: number, total: number) => void;
}

const typeOfDtype = { F32: "f32", F16: "f16", BF16: "bf16" } as const;

/**
 * @returns what llama.cpp and Ollama do otherwise than the model
 * @throws UserError when llama.cpp cannot run the model, or the disk is full
 */
export function exportGguf(
  source: ExportSource,
  folder: string,
  { type, onProgress }: GgufExportOptions,
): readonly string[] {
  const { model, template, name } = source;
  const file = `${name}-${type}.gguf`;
  const notes = writeGgufModel(model, join(folder, file), { type, name, template, onProgress });
  const modelfile = ollamaModelfile(source, file);
  writeFileAtomic(join(folder, "Modelfile"), modelfile.text);
  return [...notes, ...modelfile.notes];
}

/**
 * @param asked undefined: as in the base
 * @throws UserError when the model has no words to say
 */
export function ggufTypeOf({ model }: ExportSource, asked: GgmlType | undefined): GgmlType {
  if (model.classHead !== undefined) throw hasClassHead(model.folder);
  const matrix = [...model.shapes].find(([, shape]) => shape.length > 1)![0];
  return asked ?? typeOfDtype[model.dtype(matrix)];
}

function hasClassHead(folder: string): UserError {
  return new UserError({
    code: "export/class-head",
    message: "the model is a classifier with a head of its own: it says no words that llama.cpp could run",
    where: folder,
    fix: "export to safetensors (--format safetensors), or train labels as text (task_type CAUSAL_LM)",
  });
}
