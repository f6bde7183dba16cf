/** Adapters to compare with, made by Fettle. */
import { openReferenceDevice } from "../../../src/engine/open-device.ts";
import { addLora, type LoraConfig } from "../../../src/model/families/lora.ts";
import { openModel } from "../../../src/model/families/model.ts";

/** Saves an adapter for the model as training does, with a B that is not zero. */
export function makeAdapter(model: string, config: LoraConfig, folder: string): void {
  const device = openReferenceDevice();
  using opened = openModel(model, device, { format: { kind: "f32" } });
  using lora = addLora(opened, config, 1);
  let state = 1;
  for (const [name, tensor] of lora.parameters()) {
    if (!name.endsWith("lora_B.weight")) continue;
    const values = Float32Array.from({ length: tensor.length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return 0.1 * (state / 2 ** 32 - 0.5);
    });
    device.write(tensor, new Uint8Array(values.buffer));
  }
  lora.save(folder);
}
