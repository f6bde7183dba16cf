/**
 * Checkpoints: weights as they are trained, optimizer state, and where the run stands, in a folder that appears whole or not at all.
 * The order of examples and every random draw are functions of the seed and the step, so nothing else is needed to go
 * on with the same bits.
 */
import { mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { Ledger } from "../../base/events.ts";
import { dtypeBytes } from "../../engine/device/device.ts";
import type { Optimizer, StateTensor } from "../../engine/optim/optimizer.ts";
import { type Tensor, toBytes } from "../../engine/tensor/tensor.ts";
import { refreshWorking } from "../../engine/tensor/working-copy.ts";
import { makeFolder, replaceFolder, writeFileAtomic } from "../../model/files/atomic.ts";
import { fileError } from "../../model/files/file-error.ts";
import { isJsonObject, parseJsonObject, readTextFile } from "../../model/files/json-file.ts";
import { openSafetensors } from "../../model/files/safetensors.ts";
import type { SafetensorsDtype } from "../../model/files/safetensors-dtype.ts";
import { writeSafetensors } from "../../model/files/safetensors-write.ts";
import type { BestState } from "./early-stopping.ts";

/** What a run must know to go on after `step` completed optimizer steps. */
export interface Progress {
  readonly step: number;
  readonly best: BestState;
  readonly seconds: number;
  readonly metricsBytes: number;
  readonly ledger: Ledger;
  /** Of everything that decides the numbers: a checkpoint is not gone on with under another recipe or other data. */
  readonly fingerprint: Readonly<Record<string, string>>;
}

const dtypes: Readonly<Record<StateTensor["dtype"], SafetensorsDtype>> = {
  f32: "F32",
  bf16: "BF16",
  i32: "I32",
  u8: "U8",
};

const FOLDER = /^step-(\d{6,})$/;

/** @returns the checkpoint's folder. @throws UserError when the disk is full; older checkpoints are untouched then. */
export function saveCheckpoint(
  folder: string,
  trainable: ReadonlyMap<string, Tensor>,
  optimizer: Optimizer,
  progress: Progress,
): string {
  let temporary: string;
  try {
    makeFolder(folder);
    temporary = mkdtempSync(join(folder, ".writing-"));
  } catch (error) {
    throw fileError("write", folder, error);
  }
  const final = join(folder, `step-${String(progress.step).padStart(6, "0")}`);
  try {
    writeSafetensors(
      join(temporary, "weights.safetensors"),
      [...trainable].map(([name, tensor]) => ({
        name,
        dtype: dtypes[tensor.dtype],
        shape: tensor.shape,
        bytes: () => toBytes(tensor),
      })),
    );
    writeSafetensors(
      join(temporary, "optimizer.safetensors"),
      optimizer.state().map(({ name, dtype, shape, bytes }) => ({ name, dtype: dtypes[dtype], shape, bytes })),
    );
    writeFileAtomic(join(temporary, "progress.json"), `${JSON.stringify(progress, null, 2)}\n`);
    replaceFolder(temporary, final);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
  return final;
}

/** Folders of complete checkpoints, oldest first. */
export function listCheckpoints(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => FOLDER.test(name))
    .sort((a, b) => stepOf(a) - stepOf(b))
    .map((name) => join(folder, name));
}

export function stepOf(checkpoint: string): number {
  return Number(FOLDER.exec(basename(checkpoint))?.[1]);
}

/** Removes all but the newest `limit` and the best, and what interrupted writes left behind. */
export function pruneCheckpoints(folder: string, limit: number, bestStep: number | undefined): void {
  for (const path of listCheckpoints(folder).slice(0, -limit)) {
    if (stepOf(path) !== bestStep) rmSync(path, { recursive: true, force: true });
  }
  for (const name of readdirSync(folder)) {
    if (name.startsWith(".")) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** @throws UserError when the checkpoint is damaged. */
export function readProgress(checkpoint: string): Progress {
  const path = join(checkpoint, "progress.json");
  const json = parseJsonObject(readTextFile(path, 2 ** 24), path);
  if (typeof json.step === "number" && isJsonObject(json.fingerprint)) return json as unknown as Progress;
  throw damaged(path, "progress.json does not say where the run stands");
}

/** @throws UserError when a file of the checkpoint is missing or cut off */
export function checkFiles(checkpoint: string): void {
  for (const name of ["weights.safetensors", "optimizer.safetensors"]) openSafetensors(join(checkpoint, name)).close();
}

/** Renames a damaged checkpoint, so that it no longer counts as one. @returns its new path */
export function setAside(checkpoint: string): string {
  const aside = join(dirname(checkpoint), `damaged-${basename(checkpoint)}`);
  rmSync(aside, { recursive: true, force: true });
  renameSync(checkpoint, aside);
  return aside;
}

/** Puts a checkpoint's weights into the trainable tensors. */
export function restoreWeights(checkpoint: string, trainable: ReadonlyMap<string, Tensor>): void {
  const path = join(checkpoint, "weights.safetensors");
  using file = openSafetensors(path);
  for (const [name, tensor] of trainable) {
    const { device, dtype, shape, length } = tensor;
    const info = file.tensors.get(name);
    if (info?.dtype !== dtypes[dtype] || info.end - info.begin !== length * dtypeBytes[dtype]) {
      throw damaged(path, `it has no weights for "${name}" of [${shape.join(", ")}] in ${dtype}`);
    }
    device.writeFrom(tensor, (part, begin) => file.readInto(name, begin, part));
    refreshWorking(tensor);
  }
}

export function restoreOptimizer(checkpoint: string, optimizer: Optimizer, steps: number): void {
  using file = openSafetensors(join(checkpoint, "optimizer.safetensors"));
  const state = [...file.tensors].map(([name, { dtype, shape }]): StateTensor => {
    const ours = (Object.keys(dtypes) as StateTensor["dtype"][]).find((key) => dtypes[key] === dtype);
    return { name, dtype: ours ?? "f32", shape, bytes: () => file.read(name) };
  });
  optimizer.restore(state, steps);
}

function damaged(path: string, message: string): UserError {
  return new UserError({
    code: "checkpoint/damaged",
    message,
    where: path,
    fix: "delete this checkpoint to resume from the one before it",
  });
}
