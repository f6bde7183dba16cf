/** A small base with adapters that answer differently, to be served. */
import { join } from "node:path";
import { recipeSchema } from "../../src/base/recipe/schema.ts";
import { openDevice } from "../../src/engine/open-device.ts";
import { fromHost, toFloats } from "../../src/engine/tensor/tensor.ts";
import { addLora, type Lora } from "../../src/model/families/lora.ts";
import { openModel } from "../../src/model/families/model.ts";
import { loadChatTemplateIfAny } from "../../src/model/text/chat-template.ts";
import { writeClassifier } from "../../src/tune/train/classifier-file.ts";
import { plainLora } from "./lora-config.ts";
import { writeSmallModel } from "./small-model.ts";

export const moodLabels: readonly string[] = ["calm", "angry", "sad"];

export interface ServedFolders {
  readonly base: string;
  /** One label a text, with a temperature and costs. */
  readonly moods: string;
  /** The same labels, several a text, with thresholds. */
  readonly topics: string;
  /** The same again, by a class head. */
  readonly head: string;
}

const words = { template: { user: "Mood of: {text}" } };

/** Where the models run in these tests: the same bits on every machine are not needed, speed is. */
export const onCpu = { device: "cpu", precision: "f32", threads: 1 } as const;

/** Writes `base`, and beside it adapters on it with made-up weights. */
export async function writeServedModels(folder: string): Promise<ServedFolders> {
  const base = join(folder, "base");
  writeSmallModel(base);
  const places = { base, moods: join(folder, "moods"), topics: join(folder, "topics"), head: join(folder, "head") };
  const { device } = await openDevice(onCpu);
  for (const [i, name] of (["moods", "topics", "head"] as const).entries()) {
    const head = name === "head" ? ({ dense: [], activation: "gelu", dropout: 0 } as const) : null;
    const classHead = head && { config: { ...head, labels: moodLabels.length }, seed: 1 };
    using model = openModel(base, device, { format: { kind: "f32" }, classHead: classHead ?? undefined });
    using lora = addLora(model, plainLora, i + 1);
    fill(lora, i + 1);
    lora.save(places[name]);
    const several = name !== "moods";
    writeClassifier(places[name], {
      version: 1,
      task_type: head ? "SEQ_CLS" : "CAUSAL_LM",
      problem_type: several ? "multi_label_classification" : "single_label_classification",
      labels: moodLabels,
      thresholds: several ? { calm: 0.2, angry: 0.5, sad: 0.8 } : null,
      temperature: 1.7,
      costs: several
        ? null
        : [
            [0, 5, 1],
            [1, 0, 1],
            [3, 1, 0],
          ],
      head: head && { ...head, dense: null },
      template: recipeSchema.parse({ base, ...(head ? { task_type: "SEQ_CLS" } : words) }).template,
      columns: {},
      template_sha256: loadChatTemplateIfAny(base)!.hash,
    });
  }
  device.close();
  return places;
}

/** Fresh B's are zero, with which an adapter has no say. */
function fill(lora: Lora, seed: number): void {
  let i = seed;
  for (const tensor of lora.parameters().values()) {
    const values = toFloats(tensor).map((value) => value + 0.1 * Math.sin(seed * i++));
    tensor.device.copy(fromHost(tensor.device, values), tensor);
  }
}
