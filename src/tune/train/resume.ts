/** Whether a checkpoint may be gone on with, and which. */
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import { listCheckpoints, type Progress, readProgress } from "./checkpoint.ts";
import { type EncodedSet, hashExamples } from "./run-data.ts";
import type { RunFolder } from "./run-folder.ts";

/** Everything in a recipe that decides the trained numbers, and the hash of the examples. */
export type Fingerprint = Readonly<Record<string, string>>;

export function fingerprintOf(recipe: Recipe, train: EncodedSet): Fingerprint {
  const { logging_steps: _, ...training } = recipe.training;
  const deciding = {
    base: recipe.base,
    seed: recipe.seed,
    method: recipe.method,
    init: recipe.init,
    warm_start: recipe.warm_start,
    lora: recipe.lora,
    quantization: recipe.quantization,
    training,
    packing: recipe.packing,
  };
  return { ...flatten(deciding, ""), "the training examples": hashExamples(train) };
}

/**
 * The newest complete checkpoint; undefined when there is none.
 * @throws UserError when it was written under other settings, naming them
 */
export function resumePoint(
  folder: RunFolder,
  fingerprint: Fingerprint,
  onEvent: EventSink,
): { readonly path: string; readonly progress: Progress } | undefined {
  const path = listCheckpoints(folder.checkpoints).at(-1);
  if (path === undefined) {
    onEvent({ kind: "note", level: "info", message: "nothing to resume: there is no checkpoint yet" });
    return undefined;
  }
  const progress = readProgress(path);
  const keys = new Set([...Object.keys(fingerprint), ...Object.keys(progress.fingerprint)]);
  const changed = [...keys].filter((key) => fingerprint[key] !== progress.fingerprint[key]);
  if (changed.length > 0) {
    throw new UserError({
      code: "run/changed",
      message: `the run was started with something else: ${changed.map((key) => describe(key, progress.fingerprint, fingerprint)).join("; ")}`,
      where: path,
      fix: "set it back to go on, or train anew in another folder (warm_start takes over the adapter)",
    });
  }
  onEvent({ kind: "note", level: "info", message: `resuming after step ${progress.step} from ${path}` });
  return { path, progress };
}

function describe(key: string, before: Fingerprint, now: Fingerprint): string {
  if (key === "the training examples") return "the training examples differ";
  return `${key} was ${before[key] ?? "not there"}, is ${now[key] ?? "not there"}`;
}

function flatten(value: unknown, path: string): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { [path]: JSON.stringify(value) ?? "" };
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.assign({}, ...entries.map(([key, member]) => flatten(member, path === "" ? key : `${path}.${key}`)));
}
