/** Whether a saved adapter fits the model that it is put on. */
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { Linear } from "../../engine/nn/linear.ts";
import type { AdapterTensor } from "../files/adapter.ts";
import type { AdapterConfig } from "../files/adapter-config.ts";
import { adapterScalings } from "../files/adapter-scaling.ts";

/** What a file holds for one layer. */
export interface SavedFactors {
  readonly a: AdapterTensor;
  readonly b: AdapterTensor;
  /** Of DoRA. */
  readonly magnitude: AdapterTensor | undefined;
}

/**
 * Factors by module, each fit for the layer of that name.
 * @throws UserError when a module or a shape does not fit, listing the names there are, or a rank is not the config's
 */
export function fittingFactors(
  config: Pick<AdapterConfig, "r" | "lora_alpha" | "use_rslora" | "use_dora" | "rank_pattern" | "alpha_pattern">,
  tensors: readonly AdapterTensor[],
  linears: ReadonlyMap<string, Linear>,
  folder: string,
): Map<string, SavedFactors> {
  const ofKind = (kind: AdapterTensor["kind"]): Map<string, AdapterTensor> =>
    new Map(tensors.filter((tensor) => tensor.kind === kind).map((tensor) => [tensor.module, tensor]));
  const all = { a: ofKind("lora_A"), b: ofKind("lora_B"), magnitude: ofKind("lora_magnitude_vector") };
  refuseOtherRanks(config, [...all.a.values()], folder);
  const factors = new Map<string, SavedFactors>();
  for (const [module, a] of all.a) {
    const saved = { a, b: all.b.get(module)!, magnitude: all.magnitude.get(module) };
    checkFit(linears.get(module), module, saved, [...linears.keys()], folder);
    refuseOtherMagnitude(config.use_dora, module, saved, folder);
    factors.set(module, saved);
  }
  return factors;
}

/** The scale is alpha / r: a wrong r would give wrong numbers without a word. */
function refuseOtherRanks(
  config: Parameters<typeof adapterScalings>[0],
  factors: readonly AdapterTensor[],
  folder: string,
): void {
  const scalings = adapterScalings(
    config,
    factors.map(({ module }) => module),
  );
  const wrong = factors.find(({ module, shape }) => shape[0] !== scalings.get(module)!.rank);
  if (wrong === undefined) return;
  throw new UserError({
    code: "adapter/wrong-rank",
    message: `adapter_config.json gives "${wrong.module}" rank ${scalings.get(wrong.module)!.rank}, its weights have ${wrong.shape[0]}`,
    where: folder,
    fix: "the two files are of different adapters: save it again with the tool that made it",
  });
}

function refuseOtherMagnitude(dora: boolean, module: string, { b, magnitude }: SavedFactors, folder: string): void {
  const fits = dora ? magnitude?.shape.join() === `${b.shape[0]}` : magnitude === undefined;
  if (fits) return;
  throw new UserError({
    code: "adapter/wrong-magnitude",
    message: dora
      ? `use_dora is true, and "${module}" has ${magnitude ? `a lora_magnitude_vector of [${magnitude.shape.join(", ")}]` : "no lora_magnitude_vector"}`
      : `use_dora is false, and "${module}" has a lora_magnitude_vector`,
    where: folder,
    fix: "the two files are of different adapters: save it again with the tool that made it",
  });
}

function checkFit(
  layer: Linear | undefined,
  module: string,
  { a, b }: SavedFactors,
  names: readonly string[],
  folder: string,
): void {
  if (layer === undefined) {
    throw new UserError({
      code: "adapter/no-module",
      message: `the adapter is for a layer "${module}" that the model does not have`,
      where: folder,
      fix: `is it for another base model? ${suggestName(module, names)}`,
    });
  }
  if (a.shape[1] !== layer.inFeatures || b.shape[0] !== layer.outFeatures) {
    throw new UserError({
      code: "adapter/wrong-shape",
      message:
        `the adapter of "${module}" maps ${a.shape[1]} to ${b.shape[0]} features, ` +
        `the layer ${layer.inFeatures} to ${layer.outFeatures}`,
      where: folder,
      fix: "take the base model that the adapter was trained on",
    });
  }
}
