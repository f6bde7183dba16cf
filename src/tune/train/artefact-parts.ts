/** Where the parts of a run, an adapter or a model lie. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { isRunFolder, type RunInfo, readRunInfo } from "./run-folder.ts";

export interface ArtefactParts {
  readonly kind: "run" | "adapter" | "model";
  /** Folder of config.json, tokenizer and template. */
  readonly modelFolder: string;
  readonly adapterFolder: string | undefined;
  readonly run: RunInfo | undefined;
}

/**
 * Finds the parts of a run folder, a PEFT adapter folder, or the folder of a model, and opens none.
 * @param base folder of the base model, in place of what the run or adapter names
 * @throws UserError when it is none of these, or its base is not there
 */
export function findParts(path: string, base: string | undefined): ArtefactParts {
  if (isRunFolder(path)) return partsOfRun(path, base);
  if (existsSync(join(path, "adapter_config.json"))) {
    const named = readConfigJson(path, "adapter_config.json").optionalString("base_model_name_or_path");
    return { kind: "adapter", modelFolder: baseFolder(path, base, named), adapterFolder: path, run: undefined };
  }
  if (existsSync(join(path, "config.json"))) {
    return { kind: "model", modelFolder: path, adapterFolder: undefined, run: undefined };
  }
  throw new UserError({
    code: "artefact/unknown",
    message: existsSync(path)
      ? "this is no run, adapter or model: there is no run.json, adapter_config.json or config.json in it"
      : "there is no such folder",
    where: path,
    fix: "give a run folder of `fettle train`, a PEFT adapter folder, or a Hugging Face model folder",
  });
}

function partsOfRun(path: string, base: string | undefined): ArtefactParts {
  const run = readRunInfo(path);
  const result = join(path, run.weights);
  if (!existsSync(result)) {
    throw new UserError({
      code: "artefact/unfinished-run",
      message: `the run has no result yet: it is ${run.status} at step ${run.steps} of ${run.totalSteps}`,
      where: path,
      fix: "finish it: fettle train RECIPE --resume",
    });
  }
  if (run.weights === "model") return { kind: "run", modelFolder: result, adapterFolder: undefined, run };
  return { kind: "run", modelFolder: baseFolder(path, base, run.base), adapterFolder: result, run };
}

/** The base model's folder: as given, or as named by what lies at `path`, absolute or relative to it or to here. */
function baseFolder(path: string, given: string | undefined, named: string | undefined): string {
  const wanted = given ?? named;
  const places = wanted === undefined ? [] : [resolve(wanted), resolve(path, wanted)];
  const found = places.find((place) => existsSync(join(place, "config.json")));
  if (found !== undefined) return found;
  throw new UserError({
    code: "artefact/no-base",
    message:
      wanted === undefined
        ? "the adapter does not say which base model it belongs to"
        : `the base model "${wanted}" is not there`,
    where: path,
    fix: "say where the base model's folder is, or its name on the hub: --base MODEL",
  });
}
