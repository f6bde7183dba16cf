/** Which functions of `.cu` files are launched, and with which macros: found by launching everything, on no device. */
import { join } from "node:path";
import { packageRoot } from "../../src/base/package-root.ts";
import { parseRecipe } from "../../src/base/recipe/load.ts";
import { encodeBf16 } from "../../src/engine/device/bf16.ts";
import { type Card, findCard, propertiesOf } from "../../src/engine/device/cuda/cards.ts";
import type { CudaFunction, CudaKernels, CudaLaunch } from "../../src/engine/device/cuda/launcher.ts";
import type { KernelArgument, Precision } from "../../src/engine/device/device.ts";
import { RehearsalDevice } from "../../src/engine/device/rehearsal-device.ts";
import { rehearsalOfProperties } from "../../src/engine/open-rehearsal.ts";
import { opCases } from "../../src/engine/ops/cases.ts";
import { cudaKernelsByOp } from "../../src/engine/ops/cuda-kernels.ts";
import type { OpCase } from "../../src/engine/ops/op-case.ts";
import { scope } from "../../src/engine/tensor/scope.ts";
import { Tape } from "../../src/engine/tensor/tape.ts";
import { empty, fromHost, release, type Tensor } from "../../src/engine/tensor/tensor.ts";
import type { WeightFormat } from "../../src/model/families/parameters.ts";
import type { Pack } from "../../src/tune/data/pack.ts";
import { accumulateGradients } from "../../src/tune/train/loss.ts";
import { openRehearsedModel } from "../../src/tune/train/memory/rehearsed-model.ts";
import { makeTrainee } from "../../src/tune/train/method.ts";
import { optimizerOf } from "../../src/tune/train/optimizer-of.ts";

/** A source compiled with certain macros, and the functions that are launched of it. */
export interface KernelVariant {
  readonly source: string;
  readonly macros: ReadonlyMap<string, string | number>;
  readonly functions: Set<string>;
}

export interface CollectedVariants {
  readonly variants: readonly KernelVariant[];
  /** Kernels of the registry that nothing launched. */
  readonly unreached: readonly string[];
}

const kernels: CudaKernels = Object.assign({}, ...Object.values(cudaKernelsByOp));

/** Cards with much shared memory and with little: kernels choose their tiles by it. */
const targets = ["H100", "GB10"];

/** Runs every conformance case and a training step of the benchmark's shapes, in f32 and in bf16, for each target. */
export function collectVariants(): CollectedVariants {
  const variants = new Map<string, KernelVariant>();
  const reached = new Set<string>();
  for (const card of targets.map((name) => findCard(name)!)) {
    for (const precision of ["f32", "bf16"] as const) {
      const recorder = new Recorder(card, precision, variants, reached);
      for (const opCase of opCases) runCase(recorder, opCase);
      for (const shape of ["qwen2.5-7b", "qwen3-0.6b"]) {
        for (const method of ["lora", "qlora", "full"] as const) runStep(recorder, shape, method);
      }
    }
  }
  return {
    variants: [...variants.values()].sort((a, b) => a.source.localeCompare(b.source)),
    unreached: Object.keys(kernels).filter((name) => !reached.has(name)),
  };
}

class Recorder extends RehearsalDevice {
  readonly #variants: Map<string, KernelVariant>;
  readonly #reached: Set<string>;

  constructor(card: Card, precision: Precision, variants: Map<string, KernelVariant>, reached: Set<string>) {
    super({ ...rehearsalOfProperties(propertiesOf(card), precision, Number.POSITIVE_INFINITY), kernels });
    this.#variants = variants;
    this.#reached = reached;
  }

  override launch(name: string, args: readonly KernelArgument[]): void {
    this.#reached.add(name);
    super.launch(name, args);
  }

  override run(kernel: CudaFunction, launch: CudaLaunch, args: readonly KernelArgument[]): void {
    const { types = {}, defines = {}, grid } = launch;
    if (grid.includes(0)) return;
    const typeNames = Object.entries(types).map(
      ([name, type]) => [name, typeof type === "string" ? type : type.dtype] as const,
    );
    const macros: (readonly [string, string | number])[] = [...typeNames, ...Object.entries(defines)];
    const key = JSON.stringify([kernel.source, macros]);
    const known = this.#variants.get(key) ?? { source: kernel.source, macros: new Map(macros), functions: new Set() };
    known.functions.add(kernel.name);
    this.#variants.set(key, known);
    super.run(kernel, launch, args);
  }
}

function runCase(device: Recorder, { inputs, activations, likeActivations = [], parameters, run }: OpCase): void {
  scope(() => {
    const tape = new Tape();
    const placed: Record<string, Tensor> = {};
    for (const [name, { values, shape }] of Object.entries(inputs)) {
      const isActivation = activations.includes(name) || likeActivations.includes(name);
      const narrow = isActivation && device.activations === "bf16" && values instanceof Float32Array;
      const tensor = fromHost(device, narrow ? encodeBf16(values) : values, shape);
      placed[name] = tensor;
      if (activations.includes(name)) tape.track(tensor);
      if (parameters.includes(name)) tensor.trainable = true;
    }
    const outputs = [tape.run(() => run(placed))].flat() as Tensor[];
    if (activations.length + parameters.length > 0) {
      const seeds = outputs.map((output) => [output, empty(device, output.shape, output.dtype)] as const);
      tape.backward(
        seeds,
        activations.map((name) => placed[name]!),
      );
    }
    for (const { gradient, rounded } of Object.values(placed)) {
      for (const beside of [gradient, rounded]) if (beside) release(beside);
    }
  });
}

function runStep(device: Recorder, shape: string, method: "lora" | "qlora" | "full"): void {
  const base = join(packageRoot, "bench/cuda/models", shape);
  const optim = method === "full" ? "adamw_8bit" : "adamw";
  const text = JSON.stringify({
    base,
    method,
    data: { train: "-" },
    template: { text: "{text}" },
    training: { optim },
  });
  const { recipe } = parseRecipe(text, "recipe.yaml");
  const formats: WeightFormat[] =
    method === "qlora"
      ? [{ kind: "nf4", blockSize: 64, doubleQuant: true }]
      : [{ kind: "f32" }, ...(device.precision === "bf16" ? [{ kind: "bf16" } as const] : [])];
  for (const format of formats) {
    using trainee = makeTrainee(openRehearsedModel(base, device, format), recipe, null);
    using optimizer = optimizerOf(recipe, trainee);
    accumulateGradients(trainee.model.decoder, pack, 1, { supervisedRowsOnly: true, dropoutSeed: 0 });
    optimizer.step(0, 1);
  }
}

const TOKENS = 256;

const pack: Pack = {
  tokens: new Int32Array(TOKENS),
  positions: Int32Array.from({ length: TOKENS }, (_, i) => i),
  expiry: new Int32Array(TOKENS).fill(TOKENS),
  rows: Int32Array.of(TOKENS - 2),
  targets: new Int32Array(1),
  weights: Float32Array.of(1),
  examples: 1,
};
