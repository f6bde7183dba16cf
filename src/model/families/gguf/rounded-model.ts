import type { Device } from "../../../engine/device/device.ts";
import type { Tensor } from "../../../engine/tensor/tensor.ts";
import type { GgmlType } from "../../files/gguf-types.ts";
import { Decoder } from "../decoder.ts";
import { mergedFloats } from "../merge.ts";
import { type Model, owner } from "../model.ts";
import { writeFloats } from "../parameter-values.ts";
import { Parameters } from "../parameters.ts";
import type { StreamedModel } from "../streamed-model.ts";
import { decodeGgml } from "./decode.ts";
import { describeForLlamaCpp } from "./describe.ts";
import { encodeGgml } from "./encode.ts";
import { EncoderPool } from "./encoder-pool.ts";
import { ggmlTypeOf } from "./write-model.ts";

/**
 * What is left of a model and its adapter in a GGUF file, as a model in memory: every parameter merged, rounded as in the
 * file, and back in f32.
 * @throws UserError for values that the type cannot hold
 */
export function openRounded(source: StreamedModel, device: Device, wanted: GgmlType): Model {
  const { folder, configJson, shapes } = source;
  const description = describeForLlamaCpp(configJson);
  using pool = wanted === "q4_k" ? new EncoderPool() : undefined;
  const rounded = (name: string): Float32Array => {
    const type = ggmlTypeOf(source, description.tensor(name), shapes.get(name)!, wanted);
    const values = mergedFloats(source, name);
    return decodeGgml(
      type,
      type === "q4_k" ? Buffer.concat([...pool!.encode(values)]) : encodeGgml(type, values, name),
    );
  };
  const values = {
    dtype: () => "f32" as const,
    fill: (target: Tensor, name: string) => writeFloats(target, rounded(name)),
  };
  const parameters = new Parameters(device, values, { kind: "f32" });
  try {
    const decoder = new Decoder(source.decoder.config, device, parameters);
    return owner({ folder, configJson, decoder, parameters });
  } catch (error) {
    parameters[Symbol.dispose]();
    throw error;
  }
}
