import { UserError } from "../../../base/errors.ts";
import { refusePickle, SINGLE_WEIGHTS_FILE, WEIGHTS_INDEX_FILE } from "../weights.ts";
import type { HubFile } from "./download-blob.ts";

/** What describes a model or an adapter, the tokenizer's files for Python's slow tokenizers included. */
const DESCRIPTION = [
  "config.json",
  "generation_config.json",
  "adapter_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "vocab.txt",
  "tokenizer.model",
  "chat_template.jinja",
  "chat_template.json",
];

const ADAPTER_WEIGHTS_FILE = "adapter_model.safetensors";

/** Larger than any tokenizer there is; weights are bounded by the disk. */
const MAX_DESCRIPTION_BYTES = 2 ** 29;

export interface ChosenFiles {
  /** All but weights. */
  readonly description: readonly HubFile[];
  /** The weights, or an index that names the shards; undefined when there are none of a format that is read. */
  readonly weights: HubFile | undefined;
}

/**
 * What of a repository is needed: not other formats of the same weights, nor anything that is a program.
 * @throws UserError when it is neither a model nor an adapter
 */
export function chooseFiles(repo: string, files: ReadonlyMap<string, HubFile>): ChosenFiles {
  const description = DESCRIPTION.flatMap((name) => files.get(name) ?? []);
  const isAdapter = files.has("adapter_config.json") && !files.has("config.json");
  if (!isAdapter && !files.has("config.json")) throw refuseOtherFormats(repo, files);
  for (const { name, size } of description) {
    if (size > MAX_DESCRIPTION_BYTES) throw tooLarge(repo, name, size);
  }
  const weights = isAdapter
    ? files.get(ADAPTER_WEIGHTS_FILE)
    : (files.get(SINGLE_WEIGHTS_FILE) ?? files.get(WEIGHTS_INDEX_FILE));
  return { description, weights };
}

/**
 * The shards that an index names, as files of the repository.
 * @throws UserError when one of them is not there
 */
export function filesNamed(repo: string, names: readonly string[], files: ReadonlyMap<string, HubFile>): HubFile[] {
  return names.map((name) => {
    const file = files.get(name);
    if (file !== undefined) return file;
    throw new UserError({
      code: "hub/missing-shard",
      message: `the index names the shard "${name}", which the repository does not have`,
      where: `${repo}/${WEIGHTS_INDEX_FILE}`,
      fix: "the model was not uploaded whole: take another revision, or ask its owner",
    });
  });
}

/** Why the weights there are cannot be used. */
export function refuseOtherFormats(repo: string, files: ReadonlyMap<string, HubFile>): UserError {
  const names = [...files.keys()];
  const pickle = names.find((name) => /\.(bin|pt|pth|ckpt|pkl)$/.test(name));
  if (pickle !== undefined) return refusePickle(`${repo}/${pickle}`);
  const other = names.find((name) => /\.(gguf|onnx|h5|msgpack|tflite|mlmodel)$/.test(name));
  return new UserError({
    code: "hub/no-weights",
    message:
      other === undefined
        ? "the repository holds no model: no config.json with safetensors, and no adapter"
        : `the repository holds the model in another format only (${other}), which cannot be trained`,
    where: repo,
    fix: "take the repository that the model's authors published, with safetensors files",
  });
}

function tooLarge(repo: string, name: string, size: number): UserError {
  return new UserError({
    code: "hub/too-large",
    message: `the file has ${size} bytes, more than the ${MAX_DESCRIPTION_BYTES} that such a file may have`,
    where: `${repo}/${name}`,
    fix: "this is no model that can be used",
  });
}
