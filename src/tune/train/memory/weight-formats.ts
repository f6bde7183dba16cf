import type { Recipe } from "../../../base/recipe/recipe.ts";
import type { Device } from "../../../engine/device/device.ts";
import type { WeightFormat } from "../../../model/families/parameters.ts";
import { optimizerStates } from "../optimizer-states.ts";

/**
 * How the base may be held on the device, the plainest first. Full fine-tuning wants f32 masters; on a card with too little
 * memory for them bf16 weights with stochastic rounding will do, together with 8-bit states.
 */
export function weightFormats(
  { method, quantization, training }: Recipe,
  { name, precision }: Pick<Device, "name" | "precision">,
): readonly [WeightFormat, ...WeightFormat[]] {
  if (quantization !== undefined) {
    const { block_size: blockSize, double_quant: doubleQuant } = quantization;
    const format = { kind: "nf4", blockSize, doubleQuant } as const;
    return name === "cuda" ? [format, { ...format, embeddingOnHost: true }] : [format];
  }
  if (method !== "full") return frozenFormats({ kind: precision }, name);
  const narrow = name === "cuda" && precision === "bf16" && optimizerStates[training.optim].kind === "adamw_8bit";
  return narrow ? [{ kind: "f32" }, { kind: "bf16" }] : [{ kind: "f32" }];
}

/**
 * A card with room to spare may hold weights twice; one that is too small may leave the input embedding to the host, which
 * sends the rows of each pack.
 */
function frozenFormats(format: WeightFormat, name: Device["name"]): readonly [WeightFormat, ...WeightFormat[]] {
  if (name !== "cuda") return [format];
  return [format, { ...format, transposedToo: true }, { ...format, embeddingOnHost: true }];
}

/** For people. */
export function describeFormat(format: WeightFormat, trained: boolean): string {
  const place = format.embeddingOnHost ? ", the input embedding in host memory" : "";
  if (format.kind === "nf4") return `linear layers in 4 bits${place}`;
  if (!trained) return `frozen ${format.kind} weights${format.transposedToo ? ", transposed too" : ""}${place}`;
  return format.kind === "f32" ? "f32 weights" : "bf16 weights with stochastic rounding";
}
