import type { Recipe } from "../../../base/recipe/recipe.ts";
import type { Device } from "../../../engine/device/device.ts";
import type { WeightFormat } from "../../../model/families/parameters.ts";

/**
 * How the base may be held on the device, the better first. Full fine-tuning wants f32 masters; on a card with too little
 * memory for them bf16 weights with stochastic rounding will do, together with 8-bit states.
 */
export function weightFormats(
  { method, quantization, training }: Recipe,
  { name, precision }: Pick<Device, "name" | "precision">,
): readonly [first: WeightFormat, second?: WeightFormat] {
  if (quantization !== undefined) {
    const { block_size: blockSize, double_quant: doubleQuant } = quantization;
    return onDeviceFirst({ kind: "nf4", blockSize, doubleQuant }, name);
  }
  if (method !== "full") return onDeviceFirst({ kind: precision }, name);
  const narrow = name === "cuda" && precision === "bf16" && training.optim === "adamw_8bit";
  return narrow ? [{ kind: "f32" }, { kind: "bf16" }] : [{ kind: "f32" }];
}

/** A card that is too small may leave the input embedding to the host, which sends the rows of each pack. */
function onDeviceFirst(
  format: WeightFormat,
  name: Device["name"],
): readonly [first: WeightFormat, second?: WeightFormat] {
  return name === "cuda" ? [format, { ...format, embeddingOnHost: true }] : [format];
}

/** For people. */
export function describeFormat(format: WeightFormat, trained: boolean): string {
  const place = format.embeddingOnHost ? ", the input embedding in host memory" : "";
  if (format.kind === "nf4") return `linear layers in 4 bits${place}`;
  if (!trained) return `frozen ${format.kind} weights${place}`;
  return format.kind === "f32" ? "f32 weights" : "bf16 weights with stochastic rounding";
}
