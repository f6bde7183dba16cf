/** A folder as transformers saves it, with the adapter merged in. */

import { encodeGgml } from "../../model/families/gguf/encode.ts";
import { isMerged, mergedFloats } from "../../model/families/merge.ts";
import { classifierKeys } from "../../model/files/classifier-config.ts";
import { copyCompanions } from "../../model/files/companion-files.ts";
import { writeConfigJson } from "../../model/files/config.ts";
import type { JsonValue } from "../../model/files/json-file.ts";
import type { TensorToWrite } from "../../model/files/safetensors-write.ts";
import { saveWeights } from "../../model/files/weights-write.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import { writeClassifier } from "../../tune/train/classifier-file.ts";
import type { ExportSource } from "./export-source.ts";

/** Dtypes of a safetensors export, as the command line calls them. */
export type FloatFormat = "f32" | "f16" | "bf16";

const dtypes = { f32: "F32", f16: "F16", bf16: "BF16" } as const;
const namesInConfig = { F32: "float32", F16: "float16", BF16: "bfloat16" } as const;

/** As Hugging Face's libraries shard. */
const MAX_SHARD_BYTES = 5e9;

export interface SafetensorsExportOptions {
  /** Of every tensor; undefined: as in the base. */
  readonly dtype: FloatFormat | undefined;
  readonly onProgress: (done: number, total: number) => void;
}

/** @throws UserError when the disk is full, or a value does not fit the dtype */
export function exportSafetensors(
  { model, answers, parts }: ExportSource,
  folder: string,
  { dtype, onProgress }: SafetensorsExportOptions,
): void {
  const { configJson, shapes } = model;
  const names = [...shapes.keys()];
  let done = 0;
  const tensors = names.map((name): TensorToWrite => {
    const held = model.dtype(name);
    const wanted = dtype === undefined ? held : dtypes[dtype];
    return {
      name,
      dtype: wanted,
      shape: shapes.get(name)!,
      bytes: () => {
        onProgress(++done, names.length);
        const own = wanted === held && !isMerged(model, name) ? model.bytes(name) : undefined;
        return own ?? encodeGgml(formatOf(wanted), mergedFloats(model, name), name);
      },
    };
  });
  // transformers 4 calls it torch_dtype, and 5 reads either.
  const key = configJson.has("torch_dtype") ? "torch_dtype" : "dtype";
  const ofMatrices = tensors.find(({ shape }) => shape.length > 1)!.dtype as keyof typeof namesInConfig;
  const keys = { ...headKeys({ model, answers, parts }), [key]: namesInConfig[ofMatrices] };
  writeConfigJson(folder, configJson.with({ ...keys, quantization_config: undefined }));
  saveWeights(folder, tensors, { maxShardBytes: MAX_SHARD_BYTES });
  copyCompanions(model.folder, folder);
  if (answers.file) writeClassifier(folder, answers.file);
}

/** What config.json says of a class head that came with an adapter. */
function headKeys({
  model: { configJson, classHead, decoder },
  answers: { labels, multiLabel },
  parts,
}: Pick<ExportSource, "model" | "answers" | "parts">): Record<string, JsonValue> {
  if (classHead === undefined || parts.adapterFolder === undefined) return {};
  const problem = multiLabel ? "multi_label_classification" : "single_label_classification";
  const pad = decoder.config.encoder ? undefined : loadTokenizer(parts.modelFolder).padId;
  return classifierKeys(configJson, labels!, problem, pad);
}

function formatOf(dtype: keyof typeof namesInConfig): FloatFormat {
  return dtype === "F32" ? "f32" : dtype === "F16" ? "f16" : "bf16";
}
