/** LoRA adapters put on a model by the names of its linear layers, and their way to and from PEFT folders. */
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import { Random } from "../../base/random.ts";
import type { Device } from "../../engine/device/device.ts";
import type { Linear, LoraAdapter } from "../../engine/nn/linear.ts";
import { wantsRoom } from "../../engine/ops/linear/adapter-rows.ts";
import { isTensor } from "../../engine/ops/linear/group.ts";
import { consecutive, type Shape, type Tensor, toBytes } from "../../engine/tensor/tensor.ts";
import { releaseParameter } from "../../engine/tensor/working-copy.ts";
import { type AdapterConfig, type AdapterTensor, readAdapter, writeAdapter } from "../files/adapter.ts";
import { adapterScalings } from "../files/adapter-scaling.ts";
import { snapshotOf } from "../files/hub/snapshot.ts";
import { type ModuleKind, matchTargets, shortestTargets } from "../files/target-modules.ts";
import { CLASS_HEAD } from "./class-head.ts";
import { loadClassHead, savedClassHead } from "./class-head-adapter.ts";
import { decodeFloats, expectFloats } from "./decode-floats.ts";
import type { Model } from "./model.ts";

export type LoraConfig = Pick<
  AdapterConfig,
  | "r"
  | "lora_alpha"
  | "lora_dropout"
  | "target_modules"
  | "exclude_modules"
  | "use_rslora"
  | "rank_pattern"
  | "alpha_pattern"
>;

/** An adapter that sits on a model; disposing of it takes it off. */
export class Lora implements Disposable {
  readonly config: LoraConfig;
  /** Module paths that have it, in model order. */
  readonly modules: readonly string[];
  readonly #model: Model;
  readonly #layers: readonly Linear[];

  constructor(model: Model, config: LoraConfig, layers: readonly Linear[]) {
    this.config = config;
    this.modules = layers.map(({ name }) => name);
    this.#model = model;
    this.#layers = layers;
  }

  /** A and B of every module by PEFT's names without prefix, e.g. `model.layers.0.self_attn.q_proj.lora_A.weight`. */
  parameters(): Map<string, Tensor> {
    const parameters = new Map<string, Tensor>();
    for (const { name, adapter } of this.#layers) {
      parameters.set(`${name}.lora_A.weight`, adapter!.a);
      parameters.set(`${name}.lora_B.weight`, adapter!.b);
    }
    return parameters;
  }

  /**
   * Writes the adapter as PEFT does, in f32.
   * @throws UserError when the disk is full or cannot be written.
   */
  save(folder: string): void {
    const { classHead } = this.#model;
    writeAdapter(folder, {
      config: {
        ...this.config,
        target_modules: shortestTargets(this.modules, this.#model.decoder.linears.keys()),
        ...baseOf(this.#model.folder),
        task_type: classHead ? "SEQ_CLS" : "CAUSAL_LM",
        modules_to_save: classHead ? [CLASS_HEAD] : null,
      },
      tensors: [
        ...this.#layers.flatMap(({ name, adapter }) => [
          { ...entry(name, "lora_A", adapter!.a), bytes: () => toBytes(adapter!.a) },
          { ...entry(name, "lora_B", adapter!.b), bytes: () => toBytes(adapter!.b) },
        ]),
        ...savedClassHead(classHead),
      ],
    });
  }

  [Symbol.dispose](): void {
    for (const layer of this.#layers) {
      releaseParameter(layer.adapter!.a);
      releaseParameter(layer.adapter!.b);
      layer.adapter = undefined;
    }
  }
}

/** How the adapter names its base: as on the hub, for others to find it, where it is from there. */
function baseOf(folder: string): Pick<AdapterConfig, "base_model_name_or_path" | "revision"> {
  const { repo = folder, commit = null } = snapshotOf(folder) ?? {};
  return { base_model_name_or_path: repo, revision: commit };
}

function entry(module: string, kind: "lora_A" | "lora_B", { shape }: Tensor): Omit<AdapterTensor, "bytes"> {
  return { module, kind, parameter: "weight", dtype: "F32", shape };
}

/** Paths of the layers that `config` selects, in model order. @throws UserError when there is none */
export function selectLayers(
  model: Model,
  config: Pick<LoraConfig, "target_modules" | "exclude_modules">,
): readonly string[] {
  return matchTargets(moduleKinds(model), config);
}

/**
 * Puts a fresh adapter on every layer that `config` selects: A uniform in ±1/√in (Kaiming with a = √5, as PEFT), B zero,
 * so that the model's output is what it was.
 * @throws UserError when no layer is selected.
 */
export function addLora(model: Model, config: LoraConfig, seed: number): Lora {
  const { linears, device } = model.decoder;
  const layers = selectLayers(model, config).map((path) => linears.get(path)!);
  const scalings = scalingsOf(config, layers);
  const factors = layers.map(({ name, inFeatures, outFeatures }) => {
    const { rank } = scalings.get(name)!;
    return { a: [rank, inFeatures], b: [outFeatures, rank] };
  });
  const placed = placeFactors(device, factors);
  layers.forEach((layer, i) => {
    const { a, b } = placed[i]!;
    const random = new Random(seed, `${layer.name}.lora_A`);
    const bound = 1 / Math.sqrt(layer.inFeatures);
    device.write(a, bytesOf(Float32Array.from({ length: a.length }, () => (2 * random.uniform() - 1) * bound)));
    device.zero(b);
    putOn(model, layer, { a, b, scale: scalings.get(layer.name)!.scale, dropout: config.lora_dropout });
  });
  return new Lora(model, config, layers);
}

/**
 * Puts a saved adapter on the model.
 * @param dropout for training on; what the adapter was trained with by default
 * @returns the adapter and what in its folder was ignored.
 * @throws UserError when a module or a shape does not fit the model, listing the names there are.
 */
export function loadLora(model: Model, folder: string, dropout?: number): { lora: Lora; warnings: readonly string[] } {
  const { config: saved, tensors, warnings } = readAdapter(folder);
  const config = { ...saved, lora_dropout: dropout ?? saved.lora_dropout };
  loadClassHead(model.classHead, tensors, folder);
  const { linears, device } = model.decoder;
  const byModule = new Map<string, { a?: AdapterTensor; b?: AdapterTensor }>();
  for (const tensor of tensors) {
    if (tensor.kind === "saved") continue;
    const pair = byModule.get(tensor.module) ?? {};
    byModule.set(tensor.module, tensor.kind === "lora_A" ? { ...pair, a: tensor } : { ...pair, b: tensor });
  }
  refuseOtherRanks(config, tensors, folder);
  for (const [module, { a, b }] of byModule) checkFit(linears.get(module), module, a!, b!, [...linears.keys()], folder);
  const layers = [...linears.values()].filter(({ name }) => byModule.has(name));
  const scalings = scalingsOf(config, layers);
  const factors = layers.map(({ name }) => byModule.get(name)!);
  const floats = ({ bytes, dtype, module }: AdapterTensor): Float32Array =>
    decodeFloats(Uint8Array.from(bytes), expectFloats(dtype, module, folder));
  const values = factors.map(({ a, b }) => ({ a: floats(a!), b: floats(b!) }));
  const placed = placeFactors(
    device,
    factors.map(({ a, b }) => ({ a: a!.shape, b: b!.shape })),
  );
  layers.forEach((layer, i) => {
    const { a, b } = placed[i]!;
    device.write(a, bytesOf(values[i]!.a));
    device.write(b, bytesOf(values[i]!.b));
    putOn(model, layer, { a, b, scale: scalings.get(layer.name)!.scale, dropout: config.lora_dropout });
  });
  return { lora: new Lora(model, config, layers), warnings };
}

/** Weights that gain from it get room for their adapter below them; see ops/linear/adapter-rows. */
function putOn({ parameters }: Model, layer: Linear, adapter: LoraAdapter): void {
  const { weight, name } = layer;
  const pays = !adapter.a.device.batchesProducts && wantsRoom([layer.outFeatures, layer.inFeatures]);
  if (pays && isTensor(weight) && weight.dtype === adapter.a.device.activations) {
    layer.weight = parameters.withSpareRows(`${name}.weight`, adapter.a.shape[0]!);
  }
  layer.adapter = adapter;
}

/**
 * Uninitialised factors, all in one storage: every A, then every B, each in the order of the layers. Layers that read the
 * same input follow each other, so that one product serves their A's, and one kernel updates everything.
 */
function placeFactors(
  device: Device,
  shapes: readonly { readonly a: Shape; readonly b: Shape }[],
): { readonly a: Tensor; readonly b: Tensor }[] {
  const all = consecutive(device, [...shapes.map(({ a }) => a), ...shapes.map(({ b }) => b)]);
  return shapes.map((_, i) => ({ a: all[i]!, b: all[shapes.length + i]! }));
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function scalingsOf(config: LoraConfig, layers: readonly Linear[]): ReturnType<typeof adapterScalings> {
  return adapterScalings(
    config,
    layers.map(({ name }) => name),
  );
}

/** The scale is alpha / r: a wrong r would give wrong numbers without a word. */
function refuseOtherRanks(config: LoraConfig, tensors: readonly AdapterTensor[], folder: string): void {
  const factors = tensors.filter(({ kind }) => kind === "lora_A");
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

function checkFit(
  layer: Linear | undefined,
  module: string,
  a: AdapterTensor,
  b: AdapterTensor,
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

/** Every module with weights, as `matchTargets` wants them. */
function moduleKinds({ decoder, parameters }: Model): Map<string, ModuleKind> {
  const kinds = new Map<string, ModuleKind>();
  for (const name of parameters.names()) {
    const module = name.replace(/\.(weight|bias)$/, "");
    kinds.set(module, decoder.linears.has(module) ? "linear" : module === "lm_head" ? "head" : "other");
  }
  for (const path of decoder.linears.keys()) kinds.set(path, "linear");
  return kinds;
}
