/**
 * Reverse-mode differentiation over fused ops (Wengert 1964): each op of a forward pass records how to undo itself, and
 * `backward` walks the records in reverse. Gradients of activations are returned by a record's rule; gradients of
 * trainable parameters are accumulated in place by the kernels (see `gradientOf`).
 */
import { mirror } from "./mirror.ts";
import { handOver, scope, unscoped } from "./scope.ts";
import type { Storage } from "./storage.ts";
import { empty, type Tensor } from "./tensor.ts";

/** Given the gradients of an op's outputs, those of its inputs, in order; undefined where `needs` says not needed. */
export type BackwardRule = (
  outputGradients: readonly (Tensor | undefined)[],
  needs: readonly boolean[],
) => readonly (Tensor | undefined)[];

interface TapeRecord {
  readonly outputs: readonly Tensor[];
  readonly inputs: readonly Tensor[];
  readonly saved: readonly Tensor[];
  readonly rule: BackwardRule;
}

/** How an op's output is computed again in place: the same kernel on the same inputs, hence the same bits. */
export interface Remake {
  /** Inputs that `run` reads and that may have been freed since. */
  readonly from: readonly Tensor[];
  readonly run: () => void;
}

export interface TapeOptions {
  /**
   * Do not keep outputs that cost little to compute (norms, the middle of an MLP), though later ops saved them: they are
   * made again just before those ops are undone. Default false.
   */
  readonly dropCheap?: boolean;
}

let active: Tape | undefined;

export class Tape {
  readonly #records: TapeRecord[] = [];
  readonly #tracked = new Set<Tensor>();
  readonly #dropCheap: boolean;

  constructor({ dropCheap = false }: TapeOptions = {}) {
    this.#dropCheap = dropCheap;
  }

  /** Runs `body` with this tape recording. */
  run<T>(body: () => T): T {
    const outer = active;
    active = this;
    try {
      return body();
    } finally {
      active = outer;
    }
  }

  /** Whether a gradient flows to this tensor. */
  needs(tensor: Tensor): boolean {
    return tensor.trainable || this.#tracked.has(tensor);
  }

  /** Makes a tensor that no op of this tape produced a place where gradients arrive. */
  track(tensor: Tensor): void {
    this.#tracked.add(tensor);
  }

  add(record: TapeRecord, remake?: Remake): void {
    for (const output of record.outputs) this.#tracked.add(output);
    if (this.#dropCheap && remake !== undefined) allowRemaking(record, remake);
    for (const { storage } of record.saved) if (isKept(storage)) storage.retain();
    this.#records.push(record);
  }

  /**
   * Propagates the seeds' gradients back to every trainable parameter, frees what the tape saved as it goes, and
   * returns the gradients of `wanted` (tracked tensors), owned by the current scope.
   */
  backward(
    seeds: readonly (readonly [tensor: Tensor, gradient: Tensor])[],
    wanted: readonly Tensor[] = [],
  ): (Tensor | undefined)[] {
    const gradients = new Map<Tensor, Tensor>();
    for (const [tensor, gradient] of seeds) accumulate(gradients, tensor, gradient);
    for (let record = this.#records.pop(); record !== undefined; record = this.#records.pop()) {
      undo(record, gradients, (tensor) => this.needs(tensor));
    }
    const results = wanted.map((tensor) => gradients.get(tensor));
    for (const [tensor, gradient] of gradients) {
      if (wanted.includes(tensor)) handOver(gradient.storage);
      else gradient.storage.release();
    }
    this.#tracked.clear();
    return results;
  }

  /** Forgets everything recorded, freeing what was saved; for a forward pass that failed. */
  clear(): void {
    for (const { saved } of this.#records.splice(0)) {
      for (const { storage } of saved) if (isKept(storage)) storage.release();
    }
    this.#tracked.clear();
  }
}

function undo(record: TapeRecord, gradients: Map<Tensor, Tensor>, needs: (tensor: Tensor) => boolean): void {
  const outputGradients = record.outputs.map((output) => gradients.get(output));
  const remade = record.saved.filter(({ storage }) => !isKept(storage));
  if (outputGradients.some((gradient) => gradient !== undefined)) {
    for (const { storage } of remade) storage.revive();
    scope(() => {
      const inputGradients = record.rule(outputGradients, record.inputs.map(needs));
      record.inputs.forEach((input, i) => {
        const gradient = inputGradients[i];
        if (gradient !== undefined && !input.trainable && needs(input)) accumulate(gradients, input, gradient);
      });
    });
    for (const { storage } of remade) storage.release();
  }
  record.outputs.forEach((output, i) => {
    outputGradients[i]?.storage.release();
    gradients.delete(output);
  });
  for (const { storage } of record.saved) if (isKept(storage)) storage.release();
}

/** Whether a tape holds what was saved, rather than make it again. */
function isKept({ remake }: Storage): boolean {
  return remake === undefined;
}

/** An op's output can be made again when what it is made from is saved by the op itself, or can be made again too. */
function allowRemaking({ outputs, saved }: TapeRecord, { from, run }: Remake): void {
  if (!from.every((tensor) => saved.includes(tensor) || !isKept(tensor.storage))) return;
  outputs[0]!.storage.remake = () => {
    for (const { storage } of from) storage.revive();
    run();
    for (const { storage } of from) storage.release();
  };
}

/** Adds to the gradient held for a tensor; the map holds one reference of its own to each gradient. */
function accumulate(gradients: Map<Tensor, Tensor>, tensor: Tensor, gradient: Tensor): void {
  const held = gradients.get(tensor);
  if (held === undefined) {
    gradient.storage.retain();
    gradients.set(tensor, gradient);
    return;
  }
  // A gradient referred to once is nobody else's: it can take the sum. (`held` may be shared with another tensor.)
  const sum =
    held.storage.references === 1 ? held : unscoped(() => empty(gradient.device, gradient.shape, gradient.dtype));
  sum.device.launch("add", [sum, held, gradient, sum.length]);
  if (sum !== held) {
    held.storage.release();
    gradients.set(tensor, sum);
  }
}

/**
 * Makes `outputs` differentiable on the active tape, when there is one and any input needs a gradient. `saved` tensors
 * stay alive until the rule has run (inputs and outputs the rule reads must be listed too).
 * @param remake given by ops with one output that costs little: how to compute it again
 */
export function record(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  saved: readonly Tensor[],
  rule: BackwardRule,
  remake?: Remake,
): void {
  if (active === undefined || !inputs.some((input) => active?.needs(input))) return;
  active.add({ outputs, inputs, saved, rule }, remake);
}

/** Whether an op about to run on these inputs will be recorded: what only backward needs can be left out otherwise. */
export function isRecording(inputs: readonly Tensor[]): boolean {
  return active !== undefined && inputs.some((input) => active?.needs(input));
}

/** The gradient of a trainable parameter, in the parameter's dtype, made of zeros at first use; kernels add to it. */
export function gradientOf(parameter: Tensor): Tensor {
  if (!parameter.trainable) throw new Error("gradientOf: the tensor is not trainable");
  if (parameter.gradient === undefined) {
    parameter.gradient = mirror(parameter, "gradient", parameter.dtype);
    parameter.device.zero(parameter.gradient);
  }
  return parameter.gradient;
}

/** Runs `body` without recording. */
export function withoutTape<T>(body: () => T): T {
  const outer = active;
  active = undefined;
  try {
    return body();
  } finally {
    active = outer;
  }
}

/**
 * Activation recomputation (Chen et al. 2016, arXiv 1604.06174): keeps only the inputs of `forward` and runs it again
 * in the backward pass. `forward` must be a pure function of its inputs and of parameters.
 */
export function recompute(inputs: readonly Tensor[], forward: (inputs: readonly Tensor[]) => Tensor): Tensor {
  const outer = active;
  if (outer === undefined) return forward(inputs);
  const output = scope(() => withoutTape(() => forward(inputs)));
  // Parameters inside `forward` are not among the inputs, so the record is made whatever the inputs need.
  outer.add({
    outputs: [output],
    inputs,
    saved: inputs,
    rule: ([gradient], needs) => {
      const tape = new Tape();
      inputs.forEach((input, i) => {
        if (needs[i]) tape.track(input);
      });
      const again = tape.run(() => forward(inputs));
      return tape.backward([[again, gradient!]], inputs);
    },
  });
  return output;
}
