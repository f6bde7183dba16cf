/** Says what a file or folder is. One file per kind lies beside this one; each reads headers where they tell enough. */
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { isDatasetPath } from "../../base/dataset-name.ts";
import { UserError } from "../../base/errors.ts";
import { fileError } from "../../model/files/file-error.ts";
import { isDataPath } from "../../tune/data/sources/find-sources.ts";
import { isRunFolder } from "../../tune/train/run-folder.ts";
import { folderOf } from "../api/pull.ts";
import { type AdapterInspection, inspectAdapter } from "./inspect-adapter.ts";
import { type DataHints, type DataInspection, inspectData } from "./inspect-data.ts";
import { inspectModel, type ModelInspection } from "./inspect-model.ts";
import { inspectRecipe, type RecipeInspection } from "./inspect-recipe.ts";
import { inspectRun, type RunInspection } from "./inspect-run.ts";
import { inspectSafetensors, type SafetensorsInspection } from "./inspect-safetensors.ts";

export type Inspection =
  | AdapterInspection
  | DataInspection
  | ModelInspection
  | RecipeInspection
  | RunInspection
  | SafetensorsInspection;

/**
 * @param name path, or `ORG/NAME` of a model on the hub, of which all but the weights is fetched
 * @param hints for a data file
 * @throws UserError when there is nothing, or it is damaged so that it cannot be used at all
 */
export async function inspectPath(name: string, hints: DataHints = {}): Promise<Inspection> {
  if (isDatasetPath(name) || isDataPath(name)) return inspectData(name, hints);
  const path = await folderOf(name, { weights: false });
  const stat = statOf(path);
  if (stat.isDirectory()) return inspectFolder(path, hints);
  if (!stat.isFile()) {
    throw new UserError({ code: "inspect/no-file", message: "this is neither a file nor a folder", where: path });
  }
  if (extname(path) === ".safetensors" || hasSafetensorsHeader(path)) return inspectSafetensors(path);
  if ([".yaml", ".yml"].includes(extname(path))) return inspectRecipe(path);
  return inspectData(path, hints);
}

async function inspectFolder(path: string, hints: DataHints): Promise<Inspection> {
  if (isRunFolder(path)) return inspectRun(path);
  if (existsSync(join(path, "adapter_config.json"))) return inspectAdapter(path);
  if (existsSync(join(path, "config.json"))) return inspectModel(path);
  const names = readdirSync(path);
  if (names.length > 0 && !names.some((name) => isOfModel(join(path, name)))) return inspectData(path, hints);
  const shown = names.slice(0, 12).join(", ") + (names.length > 12 ? `, … (${names.length})` : "");
  throw new UserError({
    code: "inspect/unknown-folder",
    message: `this is no run (run.json), no adapter (adapter_config.json) and no model (config.json)`,
    where: path,
    fix: names.length === 0 ? "it is empty" : `it holds ${shown}: name one of them`,
  });
}

/** Weights, or the folder of a run, model or adapter: what lies around it is no data. */
function isOfModel(path: string): boolean {
  const marks = ["run.json", "config.json", "adapter_config.json"];
  return /\.(safetensors|gguf|bin|pt)$/.test(path) || marks.some((mark) => existsSync(join(path, mark)));
}

function statOf(path: string): ReturnType<typeof statSync> & object {
  try {
    return statSync(path);
  } catch (error) {
    throw fileError("read", path, error);
  }
}

/** Eight bytes with a header's length, and the header's opening brace. */
function hasSafetensorsHeader(path: string): boolean {
  const head = Buffer.alloc(9);
  let length: number;
  try {
    const descriptor = openSync(path, "r");
    try {
      length = readSync(descriptor, head, 0, 9, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw fileError("read", path, error);
  }
  return length === 9 && head.readBigUInt64LE(0) < 2n ** 32n && head[8] === 0x7b;
}
