/** LoRA adapters put on a model by the names of its linear layers, and their way to and from PEFT folders. */
import { Random } from "../../base/random.ts";
import type { Device } from "../../engine/device/device.ts";
import type { Linear, LoraAdapter } from "../../engine/nn/linear.ts";
import { adaptedNorms } from "../../engine/ops/dora/dora.ts";
import { wantsRoom } from "../../engine/ops/linear/adapter-rows.ts";
import { isTensor } from "../../engine/ops/linear/group.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { consecutive, type Shape, type Tensor, toBytes } from "../../engine/tensor/tensor.ts";
import { releaseParameter } from "../../engine/tensor/working-copy.ts";
import {
  type AdapterConfig,
  type AdapterTensor,
  adapterTensorName,
  readAdapter,
  writeAdapter,
} from "../files/adapter.ts";
import { adapterScalings } from "../files/adapter-scaling.ts";
import { snapshotOf } from "../files/hub/snapshot.ts";
import { type ModuleKind, matchTargets, shortestTargets } from "../files/target-modules.ts";
import { AdapterBiases } from "./adapter-biases.ts";
import { fittingFactors } from "./adapter-fit.ts";
import { loadClassHead, savedClassHead } from "./class-head-adapter.ts";
import { decodeFloats, expectFloats } from "./decode-floats.ts";
import { linearsOf, type Model } from "./model.ts";

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
> &
  Partial<Pick<AdapterConfig, "use_dora" | "layers_to_transform" | "layers_pattern" | "bias">>;

/** An adapter that sits on a model; disposing of it takes it off and frees it. */
export class Lora implements Disposable {
  readonly config: LoraConfig;
  /** Module paths that have it, in model order. */
  readonly modules: readonly string[];
  readonly #model: Model;
  readonly #adapters: ReadonlyMap<Linear, LoraAdapter>;
  readonly #biases: AdapterBiases;

  /** @param layers that it was just put on */
  constructor(model: Model, config: LoraConfig, layers: readonly Linear[], biases: AdapterBiases) {
    this.config = config;
    this.modules = layers.map(({ name }) => name);
    this.#model = model;
    this.#adapters = new Map(layers.map((layer) => [layer, layer.adapter!]));
    this.#biases = biases;
  }

  /**
   * A, B and magnitude of every module by PEFT's names without prefix, e.g. `model.layers.0.self_attn.q_proj.lora_A.weight`,
   * and the biases that are trained beside.
   */
  parameters(): Map<string, Tensor> {
    const parameters = new Map<string, Tensor>();
    for (const [{ name }, adapter] of this.#adapters) {
      for (const [kind, tensor] of tensorsOf(adapter)) {
        parameters.set(adapterTensorName({ module: name, kind, parameter: "weight" }), tensor);
      }
    }
    for (const [name, bias] of this.#biases.parameters()) parameters.set(name, bias);
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
        ...savedSelection(this.#model, this.config, this.modules),
        ...baseOf(this.#model.folder),
        task_type: classHead ? "SEQ_CLS" : "CAUSAL_LM",
        modules_to_save: classHead ? [...classHead.parts.modules] : null,
      },
      tensors: [
        ...[...this.#adapters].flatMap(([{ name }, adapter]) =>
          tensorsOf(adapter).map(([kind, tensor]) => ({
            module: name,
            kind,
            parameter: "weight",
            dtype: "F32" as const,
            shape: tensor.shape,
            bytes: () => toBytes(tensor),
          })),
        ),
        ...this.#biases.saved(),
        ...savedClassHead(classHead),
      ],
    });
  }

  /** Leaves the model as it is without the adapter, which stays in memory. */
  takeOff(): void {
    for (const [layer, adapter] of this.#adapters) if (layer.adapter === adapter) layer.adapter = undefined;
    this.#biases.takeOff();
  }

  /** Undoes `takeOff`; other adapters are to be taken off before. */
  putBack(): void {
    for (const [layer, adapter] of this.#adapters) layer.adapter = adapter;
    this.#biases.putBack();
  }

  [Symbol.dispose](): void {
    this.takeOff();
    for (const adapter of this.#adapters.values()) {
      for (const [, tensor] of tensorsOf(adapter)) releaseParameter(tensor);
    }
    this.#biases[Symbol.dispose]();
  }
}

/** As PEFT writes it: names of the targets, and beside them what of these has no adapter. */
function savedSelection(
  model: Model,
  { target_modules, exclude_modules, layers_to_transform = null, layers_pattern = null }: LoraConfig,
  modules: readonly string[],
): Partial<AdapterConfig> {
  const paths = [...linearsOf(model).keys()];
  if (exclude_modules === null && layers_to_transform === null) {
    return { target_modules: shortestTargets(modules, paths) };
  }
  const kinds = new Map(paths.map((path) => [path, "linear"] as const));
  const targets = shortestTargets(matchTargets(kinds, { target_modules }), paths);
  return { target_modules: targets, exclude_modules, layers_to_transform, layers_pattern };
}

/** How the adapter names its base: as on the hub, for others to find it, where it is from there. */
function baseOf(folder: string): Pick<AdapterConfig, "base_model_name_or_path" | "revision"> {
  const { repo = folder, commit = null } = snapshotOf(folder) ?? {};
  return { base_model_name_or_path: repo, revision: commit };
}

function tensorsOf({
  a,
  b,
  magnitude,
}: LoraAdapter): [kind: "lora_A" | "lora_B" | "lora_magnitude_vector", tensor: Tensor][] {
  const ofLora: ReturnType<typeof tensorsOf> = [
    ["lora_A", a],
    ["lora_B", b],
  ];
  return magnitude ? [...ofLora, ["lora_magnitude_vector", magnitude]] : ofLora;
}

/** Paths of the layers that `config` selects, in model order. @throws UserError when there is none */
export function selectLayers(
  model: Model,
  config: Pick<LoraConfig, "target_modules" | "exclude_modules" | "layers_to_transform" | "layers_pattern">,
): readonly string[] {
  // As in PEFT, what is trained in full has no adapter.
  return matchTargets(moduleKinds(model), { ...config, modules_to_save: model.classHead?.parts.modules ?? null });
}

/**
 * Puts a fresh adapter on every layer that `config` selects: A uniform in ±1/√in (Kaiming with a = √5, as PEFT), B zero,
 * magnitudes the lengths of the weight's rows, so that the model's output is what it was.
 * @throws UserError when no layer is selected.
 */
export function addLora(model: Model, config: LoraConfig, seed: number): Lora {
  const { linears, device } = model.decoder;
  const layers = selectLayers(model, config).map((path) => linears.get(path)!);
  const scalings = scalingsOf(config, layers);
  const factors = layers.map(({ name, inFeatures, outFeatures }) => {
    const { rank } = scalings.get(name)!;
    return { a: [rank, inFeatures], b: [outFeatures, rank], magnitude: config.use_dora ? [outFeatures] : undefined };
  });
  const placed = placeFactors(device, factors);
  layers.forEach((layer, i) => {
    const { a, b, magnitude } = placed[i]!;
    const random = new Random(seed, `${layer.name}.lora_A`);
    const bound = 1 / Math.sqrt(layer.inFeatures);
    device.write(a, bytesOf(Float32Array.from({ length: a.length }, () => (2 * random.uniform() - 1) * bound)));
    device.zero(b);
    const adapter = { a, b, magnitude, scale: scalings.get(layer.name)!.scale, dropout: config.lora_dropout };
    if (magnitude) scope(() => device.copy(adaptedNorms(layer.weight, adapter), magnitude));
    putOn(model, layer, adapter);
  });
  return new Lora(model, config, layers, biasesOf(model, config, layers));
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
  const { device } = model.decoder;
  const linears = linearsOf(model);
  const byModule = fittingFactors(config, tensors, linears, folder);
  const layers = [...linears.values()].filter(({ name }) => byModule.has(name));
  const scalings = scalingsOf(config, layers);
  const factors = layers.map(({ name }) => byModule.get(name)!);
  const floats = ({ bytes, dtype, module }: AdapterTensor): Float32Array =>
    decodeFloats(Uint8Array.from(bytes), expectFloats(dtype, module, folder));
  const values = factors.map(({ a, b, magnitude }) => {
    return { a: floats(a), b: floats(b), magnitude: magnitude && floats(magnitude) };
  });
  const biases = biasesOf(model, config, layers);
  try {
    loadClassHead(model.classHead, biases.load(tensors, folder), folder);
  } catch (error) {
    biases[Symbol.dispose]();
    throw error;
  }
  const placed = placeFactors(
    device,
    factors.map(({ a, b, magnitude }) => ({ a: a.shape, b: b.shape, magnitude: magnitude?.shape })),
  );
  layers.forEach((layer, i) => {
    const { a, b, magnitude } = placed[i]!;
    device.write(a, bytesOf(values[i]!.a));
    device.write(b, bytesOf(values[i]!.b));
    if (magnitude) device.write(magnitude, bytesOf(values[i]!.magnitude!));
    putOn(model, layer, { a, b, magnitude, scale: scalings.get(layer.name)!.scale, dropout: config.lora_dropout });
  });
  return { lora: new Lora(model, config, layers, biases), warnings };
}

/** Weights that gain from it get room for their adapter below them; see ops/linear/adapter-rows. */
function putOn({ parameters, decoder }: Model, layer: Linear, adapter: LoraAdapter): void {
  const { weight, name } = layer;
  const pays = !adapter.a.device.batchesProducts && wantsRoom([layer.outFeatures, layer.inFeatures]);
  if (pays && decoder.linears.has(name) && isTensor(weight) && weight.dtype === adapter.a.device.activations) {
    layer.weight = parameters.withSpareRows(`${name}.weight`, adapter.a.shape[0]!);
  }
  layer.adapter = adapter;
}

/**
 * Uninitialised factors, all in one storage: every A, then every B, then magnitudes, each in the order of the layers. Layers
 * that read the same input follow each other, so that one product serves their A's, and one kernel updates everything.
 */
function placeFactors(
  device: Device,
  shapes: readonly { readonly a: Shape; readonly b: Shape; readonly magnitude: Shape | undefined }[],
): Pick<LoraAdapter, "a" | "b" | "magnitude">[] {
  const lengths = shapes.flatMap(({ magnitude }) => (magnitude ? [magnitude] : []));
  const all = consecutive(device, [...shapes.map(({ a }) => a), ...shapes.map(({ b }) => b), ...lengths]);
  const count = shapes.length;
  return shapes.map((_, i) => ({ a: all[i]!, b: all[count + i]!, magnitude: all[2 * count + i] }));
}

function biasesOf(model: Model, { bias = "none" }: LoraConfig, layers: readonly Linear[]): AdapterBiases {
  return new AdapterBiases(
    model,
    bias,
    layers.map(({ name }) => name),
  );
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

/** Every module with weights, as `matchTargets` wants them. */
function moduleKinds(model: Model): Map<string, ModuleKind> {
  const linears = linearsOf(model);
  const kinds = new Map<string, ModuleKind>();
  for (const name of model.parameters.names()) {
    const module = name.replace(/\.(weight|bias)$/, "");
    kinds.set(module, linears.has(module) ? "linear" : module === "lm_head" ? "head" : "other");
  }
  for (const path of linears.keys()) kinds.set(path, "linear");
  return kinds;
}
