/** Biases of the base that an adapter trains (PEFT's `bias`): they are changed where they lie, and put back with it. */
import { UserError } from "../../base/errors.ts";
import { unscoped } from "../../engine/tensor/scope.ts";
import { fromHost, release, type Tensor, toBytes } from "../../engine/tensor/tensor.ts";
import { refreshWorking } from "../../engine/tensor/working-copy.ts";
import type { AdapterTensor, AdapterToWrite } from "../files/adapter.ts";
import type { AdapterBias } from "../files/adapter-config.ts";
import { decodeFloats, expectFloats } from "./decode-floats.ts";
import type { Model } from "./model.ts";
import type { StreamedModel } from "./streamed-model.ts";

interface TrainedBias {
  readonly module: string;
  readonly kind: "base_layer" | "saved";
  readonly tensor: Tensor;
  /** As the base has it. */
  readonly original: Uint8Array;
}

export class AdapterBiases implements Disposable {
  readonly #biases: readonly TrainedBias[];
  /** The trained values, while the base's are in their place. */
  #off: readonly Uint8Array[] | undefined;

  /** @param modules that the adapter is on */
  constructor(model: Model, bias: AdapterBias, modules: readonly string[]) {
    const adapted = new Set(modules);
    this.#biases = biasedModules(model, bias, adapted).map((module) => {
      const tensor = heldTensor(model, `${module}.bias`);
      return { module, kind: adapted.has(module) ? "base_layer" : "saved", tensor, original: toBytes(tensor) };
    });
  }

  /** By PEFT's names without prefix: `….q_proj.base_layer.bias` of adapted layers, `….ln_1.bias` of others. */
  parameters(): Map<string, Tensor> {
    return new Map(
      this.#biases.map(({ module, kind, tensor }) => [
        `${module}.${kind === "base_layer" ? "base_layer." : ""}bias`,
        tensor,
      ]),
    );
  }

  /** What an adapter keeps of them. */
  saved(): AdapterToWrite["tensors"] {
    return this.#biases.map(({ module, kind, tensor }) => {
      return { module, kind, parameter: "bias", dtype: "F32", shape: tensor.shape, bytes: () => toBytes(tensor) };
    });
  }

  /**
   * Takes the values of an adapter's tensors.
   * @returns the tensors that are no biases of this adapter's
   * @throws UserError when one is missing, has another shape, or is none of those that are trained
   */
  load(tensors: readonly AdapterTensor[], folder: string): AdapterTensor[] {
    const rest = new Set(tensors);
    for (const { module, kind, tensor } of this.#biases) {
      const saved = tensors.find(
        (given) => given.module === module && given.kind === kind && given.parameter === "bias",
      );
      if (saved === undefined || saved.shape.join() !== tensor.shape.join()) {
        throw misfit(`${module}.bias`, saved?.shape, tensor, folder);
      }
      const values = decodeFloats(Uint8Array.from(saved.bytes), expectFloats(saved.dtype, `${module}.bias`, folder));
      write(tensor, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      rest.delete(saved);
    }
    const stranger = [...rest].find(({ kind }) => kind === "base_layer");
    if (stranger) throw unexpected(`${stranger.module}.bias`, folder);
    return [...rest];
  }

  /** Puts the base's values in place of the trained ones, which are kept. */
  takeOff(): void {
    if (this.#off !== undefined) return;
    this.#off = this.#biases.map(({ tensor }) => toBytes(tensor));
    for (const { tensor, original } of this.#biases) write(tensor, original);
  }

  putBack(): void {
    this.#off?.forEach((bytes, i) => {
      write(this.#biases[i]!.tensor, bytes);
    });
    this.#off = undefined;
  }

  [Symbol.dispose](): void {
    this.takeOff();
    for (const { tensor } of this.#biases) {
      tensor.trainable = false;
      if (tensor.gradient) release(tensor.gradient);
      tensor.gradient = undefined;
    }
  }
}

function biasedModules({ parameters, classHead }: Model, bias: AdapterBias, adapted: ReadonlySet<string>): string[] {
  if (bias === "none") return [];
  return parameters
    .names()
    .filter((name) => name.endsWith(".bias") && !classHead?.parameters.has(name))
    .map((name) => name.slice(0, -".bias".length))
    .filter((module) => bias === "all" || adapted.has(module));
}

/** Of a model that stays on disk, made now. */
function heldTensor(model: Model, name: string): Tensor {
  const { tensors } = model.parameters;
  const held = tensors.get(name);
  if (held) return held;
  const made = unscoped(() => fromHost(model.decoder.device, (model as StreamedModel).floats(name)));
  tensors.set(name, made);
  return made;
}

function write(tensor: Tensor, bytes: Uint8Array): void {
  tensor.device.write(tensor, bytes);
  refreshWorking(tensor);
}

function unexpected(name: string, folder: string): UserError {
  return new UserError({
    code: "adapter/wrong-bias",
    message: `the adapter has values for "${name}", which adapter_config.json does not say or the model does not have`,
    where: folder,
    fix: "the files are of different adapters: save it again with the tool that made it",
  });
}

function misfit(name: string, shape: readonly number[] | undefined, { shape: own }: Tensor, folder: string): UserError {
  return new UserError({
    code: "adapter/wrong-bias",
    message: shape
      ? `"${name}" has shape [${shape.join(", ")}] in the adapter, [${own.join(", ")}] in the model`
      : `adapter_config.json says that biases are trained, and the adapter has none for "${name}"`,
    where: folder,
    fix: "take the base model that the adapter was trained on, or save the adapter again",
  });
}
