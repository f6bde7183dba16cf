/** A frozen embedding table that stays in host memory: a pass reads few of its rows, and only those go to the device. */
import type { Device } from "../device/device.ts";
import { cast } from "../ops/cast/cast.ts";
import { fromHost, type Shape, type Tensor } from "../tensor/tensor.ts";

export class HostRows {
  /** [vocabulary, width] */
  readonly shape: Shape;
  /** bf16 bits. */
  readonly values: Uint16Array;

  constructor(shape: Shape, values: Uint16Array) {
    this.shape = shape;
    this.values = values;
  }

  /** @param ids each below the vocabulary's size (not checked) @returns [ids, width], in the device's activations */
  embed(device: Device, ids: Int32Array): Tensor {
    const width = this.shape[1]!;
    const picked = new Uint16Array(ids.length * width);
    ids.forEach((id, i) => {
      picked.set(this.values.subarray(id * width, (id + 1) * width), i * width);
    });
    const rows = fromHost(device, picked, [ids.length, width]);
    return device.activations === "bf16" ? rows : cast(rows, "f32");
  }
}
