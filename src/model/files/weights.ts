import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import { fileError } from "./file-error.ts";
import { describeJson, isJsonObject, parseJsonObject, readTextFile } from "./json-file.ts";
import { openSafetensors, type SafetensorsFile, type TensorInfo } from "./safetensors.ts";

export const SINGLE_WEIGHTS_FILE: string = "model.safetensors";
export const WEIGHTS_INDEX_FILE: string = "model.safetensors.index.json";
const MAX_INDEX_BYTES = 64 * 2 ** 20;

/** The tensors of a checkpoint folder, in one file or in shards; only headers are in memory. */
export class Weights implements Disposable {
  readonly folder: string;
  readonly #files: readonly SafetensorsFile[];
  readonly #places: ReadonlyMap<string, Place>;

  /** @param nameOf what the tensors are called here, by their names in the files; default: the same */
  constructor(
    folder: string,
    files: readonly SafetensorsFile[],
    fileOf: ReadonlyMap<string, SafetensorsFile>,
    nameOf: (stored: string) => string = (stored) => stored,
  ) {
    this.folder = folder;
    this.#files = files;
    this.#places = new Map([...fileOf].map(([stored, file]) => [nameOf(stored), { file, stored }]));
  }

  names(): string[] {
    return [...this.#places.keys()];
  }

  has(name: string): boolean {
    return this.#places.has(name);
  }

  /** @throws UserError listing near names when there is no such tensor. */
  info(name: string): TensorInfo {
    const { file, stored } = this.#place(name);
    return file.info(stored);
  }

  /** Raw little-endian bytes of one tensor. */
  read(name: string): Uint8Array<ArrayBuffer> {
    const { file, stored } = this.#place(name);
    return file.read(stored);
  }

  /** Fills `target` with a tensor's bytes from byte `from` of it on. */
  readInto(name: string, from: number, target: Uint8Array): void {
    const { file, stored } = this.#place(name);
    file.readInto(stored, from, target);
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #place(name: string): Place {
    const place = this.#places.get(name);
    if (place !== undefined) return place;
    throw new UserError({
      code: "files/no-tensor",
      message: `the checkpoint has no tensor "${name}"`,
      where: this.folder,
      fix: suggestName(name, this.names()),
    });
  }
}

interface Place {
  readonly file: SafetensorsFile;
  /** The tensor's name in it. */
  readonly stored: string;
}

/**
 * Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names.
 * @param nameOf what tensors are called here, by their names in the files
 * @throws UserError when files or tensors are missing, damaged, or point outside the folder, and when the folder only
 * holds pickled weights.
 */
export function openWeights(folder: string, nameOf?: (stored: string) => string): Weights {
  const single = join(folder, SINGLE_WEIGHTS_FILE);
  if (existsSync(single)) {
    const file = openSafetensors(single);
    return new Weights(folder, [file], new Map([...file.tensors.keys()].map((name) => [name, file])), nameOf);
  }
  const index = join(folder, WEIGHTS_INDEX_FILE);
  if (existsSync(index)) return openShards(folder, index, nameOf);
  throw noWeights(folder);
}

function openShards(folder: string, indexPath: string, nameOf?: (stored: string) => string): Weights {
  const weightMap = readWeightMap(indexPath);
  const files = new Map<string, SafetensorsFile>();
  try {
    for (const fileName of new Set(weightMap.values())) {
      const path = join(folder, fileName);
      if (!existsSync(path)) {
        throw new UserError({
          code: "files/missing-shard",
          message: `the index names the shard "${fileName}", which is not there`,
          where: indexPath,
          fix: "the download is not complete: fetch the file",
        });
      }
      files.set(fileName, openSafetensors(path));
    }
    return new Weights(folder, [...files.values()], placeTensors(weightMap, files, indexPath), nameOf);
  } catch (error) {
    for (const file of files.values()) file.close();
    throw error;
  }
}

/** Tensor to shard: as the index says, and what a shard holds besides, as long as that is unambiguous. */
function placeTensors(
  weightMap: ReadonlyMap<string, string>,
  files: ReadonlyMap<string, SafetensorsFile>,
  indexPath: string,
): Map<string, SafetensorsFile> {
  const fileOf = new Map<string, SafetensorsFile>();
  for (const [tensor, fileName] of weightMap) {
    const file = files.get(fileName);
    if (file?.tensors.has(tensor) !== true) {
      throw new UserError({
        code: "files/missing-tensor",
        message: `the index places tensor "${tensor}" in "${fileName}", which does not hold it`,
        where: indexPath,
        fix: "index and shards are of different checkpoints: download them again",
      });
    }
    fileOf.set(tensor, file);
  }
  const named = new Set(fileOf.keys());
  for (const file of files.values()) {
    for (const tensor of file.tensors.keys()) {
      if (named.has(tensor)) continue;
      const other = fileOf.get(tensor);
      if (other !== undefined) {
        throw new UserError({
          code: "files/ambiguous-tensor",
          message: `tensor "${tensor}" is in two shards, ${other.path} and ${file.path}, and the index names neither`,
          where: indexPath,
          fix: "shards of different checkpoints are mixed: download them again",
        });
      }
      fileOf.set(tensor, file);
    }
  }
  return fileOf;
}

/**
 * The shards that an index file names.
 * @throws UserError when it is damaged, or names anything but safetensors files beside it
 */
export function shardNames(indexPath: string): string[] {
  return [...new Set(readWeightMap(indexPath).values())];
}

function readWeightMap(path: string): Map<string, string> {
  const json = parseJsonObject(readTextFile(path, MAX_INDEX_BYTES), path);
  const map = json.weight_map;
  if (!isJsonObject(map) || Object.keys(map).length === 0) {
    throw badIndex(path, `"weight_map" must be an object that places tensors, not ${describeJson(map)}`);
  }
  const entries = Object.entries(map);
  const checked = new Map<string, string>();
  for (const [tensor, fileName] of entries) {
    if (typeof fileName !== "string" || !/^[^/\\\0]+\.safetensors$/.test(fileName)) {
      throw badIndex(
        path,
        `the shard of "${tensor}" must be a .safetensors file of the folder, not ${describeJson(fileName)}`,
      );
    }
    checked.set(tensor, fileName);
  }
  return checked;
}

function badIndex(path: string, message: string): UserError {
  return new UserError({ code: "files/bad-index", message, where: path, fix: "download the index again" });
}

function noWeights(folder: string): unknown {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    return fileError("read", folder, error);
  }
  const pickle = names.find((name) => /^(pytorch_model.*|model)\.(bin|pt|pth|ckpt)$/.test(name));
  if (pickle !== undefined) return refusePickle(join(folder, pickle));
  return new UserError({
    code: "files/no-weights",
    message: `there is neither ${SINGLE_WEIGHTS_FILE} nor ${WEIGHTS_INDEX_FILE}`,
    where: folder,
    fix: "point to the folder of a Hugging Face checkpoint",
  });
}

/** The refusal for weights in Python's pickle format, which can run any code when it is read. */
export function refusePickle(path: string): UserError {
  return new UserError({
    code: "files/pickle",
    message: "the weights are a Python pickle, which can run any code when it is read; only safetensors are read",
    where: path,
    fix: "use the checkpoint's safetensors files, or convert it on a machine that trusts it",
  });
}
