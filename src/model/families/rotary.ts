/**
 * Rotary frequencies of the kinds that checkpoints ask for, and the cos/sin tables made of them.
 * Formulas: transformers 5, modeling_rope_utils; RoPE: Su et al. 2021, arXiv 2104.09864; YaRN: Peng et al. 2023,
 * arXiv 2309.00071.
 */
import type { Device } from "../../engine/device/device.ts";
import type { RotaryTable } from "../../engine/nn/sequence.ts";
import { unscoped } from "../../engine/tensor/scope.ts";
import { fromHost, release } from "../../engine/tensor/tensor.ts";
import type { Rope, RopeScaling } from "../files/rope.ts";

export interface RotaryFrequencies {
  /** f32 [headDim / 2] */
  readonly inverse: Float32Array;
  /** cos and sin are multiplied by this. */
  readonly attentionScaling: number;
}

export function rotaryFrequencies({ theta, scaling }: Rope, headDim: number): RotaryFrequencies {
  const plain = Float32Array.from({ length: headDim / 2 }, (_, i) => 1 / theta ** ((2 * i) / headDim));
  switch (scaling.type) {
    case "default":
    // Within the trained context, which is all that is let through, dynamic scaling changes nothing.
    case "dynamic":
      return { inverse: plain, attentionScaling: 1 };
    case "linear":
      return { inverse: plain.map((f) => f / scaling.factor), attentionScaling: 1 };
    case "llama3":
      return { inverse: plain.map((f) => llama3(f, scaling)), attentionScaling: 1 };
    case "yarn":
      return yarn(plain, scaling, theta, headDim);
  }
}

function llama3(frequency: number, scaling: RopeScaling & { type: "llama3" }): number {
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings: original } = scaling;
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength > original / lowFreqFactor) return frequency / factor;
  if (wavelength < original / highFreqFactor) return frequency;
  const smooth = (original / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

function yarn(
  plain: Float32Array,
  scaling: RopeScaling & { type: "yarn" },
  theta: number,
  headDim: number,
): RotaryFrequencies {
  const { factor, betaFast, betaSlow, originalMaxPositionEmbeddings: original, truncate } = scaling;
  const dimensionOf = (rotations: number): number =>
    (headDim * Math.log(original / (2 * Math.PI * rotations))) / (2 * Math.log(theta));
  const [fast, slow] = [dimensionOf(betaFast), dimensionOf(betaSlow)];
  const low = Math.max(truncate ? Math.floor(fast) : fast, 0);
  let high = Math.min(truncate ? Math.ceil(slow) : slow, headDim - 1);
  if (low === high) high += 0.001;
  const inverse = plain.map((f, i) => {
    const ramp = Math.min(Math.max((i - low) / (high - low), 0), 1);
    return (f / factor) * ramp + f * (1 - ramp);
  });
  const magnitude = (mscale: number): number => (factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1);
  const { attentionFactor, mscale, mscaleAllDim } = scaling;
  const attentionScaling =
    attentionFactor ?? (mscale && mscaleAllDim ? magnitude(mscale) / magnitude(mscaleAllDim) : magnitude(1));
  return { inverse, attentionScaling };
}

/** cos/sin tables of one model on one device, grown to the longest position asked for. */
export class RotaryTables implements Disposable {
  readonly #device: Device;
  readonly #frequencies: RotaryFrequencies;
  #positions = 0;
  #table: RotaryTable | undefined;

  constructor(device: Device, frequencies: RotaryFrequencies) {
    this.#device = device;
    this.#frequencies = frequencies;
  }

  /** A table of at least `positions` rows. */
  upTo(positions: number): RotaryTable {
    if (this.#table === undefined || positions > this.#positions) {
      this[Symbol.dispose]();
      this.#positions = 2 ** Math.ceil(Math.log2(Math.max(positions, 256)));
      this.#table = this.#make(this.#positions);
    }
    return this.#table;
  }

  #make(positions: number): RotaryTable {
    const { inverse, attentionScaling } = this.#frequencies;
    const width = inverse.length;
    const cos = new Float32Array(positions * width);
    const sin = new Float32Array(positions * width);
    for (let position = 0; position < positions; position++) {
      for (let i = 0; i < width; i++) {
        // The angle is rounded to f32, as in transformers.
        const angle = Math.fround(position * inverse[i]!);
        cos[position * width + i] = Math.cos(angle) * attentionScaling;
        sin[position * width + i] = Math.sin(angle) * attentionScaling;
      }
    }
    return unscoped(() => ({
      cos: fromHost(this.#device, cos, [positions, width]),
      sin: fromHost(this.#device, sin, [positions, width]),
    }));
  }

  [Symbol.dispose](): void {
    if (this.#table === undefined) return;
    release(this.#table.cos);
    release(this.#table.sin);
    this.#table = undefined;
  }
}
