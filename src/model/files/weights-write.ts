import { readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { makeFolder, writeFileAtomic } from "./atomic.ts";
import { fileError } from "./file-error.ts";
import { byteLength, type TensorToWrite, writeSafetensors } from "./safetensors-write.ts";
import { SINGLE_WEIGHTS_FILE, WEIGHTS_INDEX_FILE } from "./weights.ts";

/** Shard size that transformers 5 saves with. */
export const DEFAULT_MAX_SHARD_BYTES: number = 50e9;

export interface SaveWeightsOptions {
  /** Largest shard, in bytes of tensors; one larger tensor makes a shard of its own. */
  readonly maxShardBytes?: number;
}

/**
 * Writes a checkpoint's weights as `model.safetensors`, or as shards with an index when they are larger than one shard.
 * Shards are filled in the order of `tensors`, as transformers does; each file is written atomically, the index last.
 * @throws UserError when the disk is full, and when the folder already holds weights that the new ones would not replace.
 */
export function saveWeights(
  folder: string,
  tensors: readonly TensorToWrite[],
  { maxShardBytes = DEFAULT_MAX_SHARD_BYTES }: SaveWeightsOptions = {},
): void {
  makeFolder(folder);
  const shards = planShards(tensors, maxShardBytes);
  const fileNames = shards.map((_, i) => shardName(i, shards.length));
  refuseLeftovers(folder, shards.length === 1 ? fileNames : [...fileNames, WEIGHTS_INDEX_FILE]);
  const weightMap: Record<string, string> = {};
  for (const [i, shard] of shards.entries()) {
    writeSafetensors(join(folder, fileNames[i]!), shard);
    for (const { name } of shard) weightMap[name] = fileNames[i]!;
  }
  if (shards.length === 1) return;
  const metadata = {
    total_parameters: sum(tensors.map(({ shape }) => shape.reduce((product, size) => product * size, 1))),
    total_size: sum(tensors.map(byteLength)),
  };
  const sorted = Object.fromEntries(Object.entries(weightMap).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileAtomic(join(folder, WEIGHTS_INDEX_FILE), `${JSON.stringify({ metadata, weight_map: sorted }, null, 2)}\n`);
}

function planShards(tensors: readonly TensorToWrite[], maxShardBytes: number): TensorToWrite[][] {
  const shards: TensorToWrite[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const size = byteLength(tensor);
    if (bytes > 0 && bytes + size > maxShardBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += size;
  }
  return shards;
}

function shardName(index: number, count: number): string {
  if (count === 1) return SINGLE_WEIGHTS_FILE;
  return `model-${String(index + 1).padStart(5, "0")}-of-${String(count).padStart(5, "0")}.safetensors`;
}

/** Old files of another layout would be read instead of, or together with, the new ones. */
function refuseLeftovers(folder: string, replaced: readonly string[]): void {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw fileError("write", folder, error);
  }
  const leftover = names.find(
    (name) => /^model(-\d+-of-\d+)?\.safetensors(\.index\.json)?$/.test(name) && !replaced.includes(name),
  );
  if (leftover === undefined) return;
  throw new UserError({
    code: "files/weights-exist",
    message: `the folder holds other weights already ("${leftover}")`,
    where: folder,
    fix: "save to a new folder",
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
