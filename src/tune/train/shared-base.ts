/** A base in memory for several runs: which runs can have the same one, and which models can be scored over it. */
import { isDeepStrictEqual } from "node:util";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Device } from "../../engine/device/device.ts";
import { type Model, type OpenModelOptions, openModel } from "../../model/families/model.ts";
import type { WeightFormat } from "../../model/families/parameters.ts";
import type { OpenModel } from "./method.ts";
import type { SharedParts } from "./shared-parts.ts";

/** What decides a base in memory. */
interface BaseKey {
  readonly folder: string;
  readonly format: WeightFormat;
  readonly head: OpenModelOptions["classHead"];
  /** On a card, weights may lie with room below them for an adapter of some rank; null elsewhere. */
  readonly room: object | null;
}

/** The base of a run: a shared one where its weights stay as they are, otherwise one of its own. */
export function openShared(
  parts: SharedParts,
  recipe: Recipe,
  folder: string,
  device: Device,
  options: OpenModelOptions,
): Model {
  const open = (): Model => openModel(folder, device, options);
  const { lora } = recipe;
  if (lora === undefined || lora.bias !== "none" || options.randomSeed !== undefined) {
    parts.freeBase();
    return open();
  }
  const { lora_alpha, lora_dropout, alpha_pattern, use_rslora, use_dora, bias, ...room } = lora;
  const key: BaseKey = {
    ...{ folder, format: options.format, head: options.classHead },
    room: device.name === "cuda" ? room : null,
  };
  return parts.base(key, open);
}

/** For what is scored after its training: over the base that it was trained on, where that is still in memory. */
export function openForScoring(parts: SharedParts): OpenModel {
  return (folder, device, options) => {
    const fits = (held: object): boolean => canScore(held as BaseKey, folder, options);
    const base = parts.heldBase(fits);
    if (base !== undefined) return base;
    parts.freeBase();
    return openModel(folder, device, options);
  };
}

/** Where the weights lie does not matter to scores, nor what the head began with, which the adapter brings. */
function canScore(held: BaseKey, folder: string, { format, classHead }: OpenModelOptions): boolean {
  const values = ({ transposedToo, embeddingOnHost, ...rest }: WeightFormat): object => rest;
  return (
    held.folder === folder &&
    isDeepStrictEqual(values(held.format), values(format)) &&
    isDeepStrictEqual({ ...held.head?.config }, { ...classHead?.config })
  );
}
