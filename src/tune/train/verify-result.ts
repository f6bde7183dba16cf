/** Saving ends with a look at what was saved: read back, it must give the same scores, to the bit. */
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { cast, castInto } from "../../engine/ops/cast/cast.ts";
import { scope } from "../../engine/tensor/scope.ts";
import type { Tensor } from "../../engine/tensor/tensor.ts";
import { refreshWorking } from "../../engine/tensor/working-copy.ts";
import { checkpointValues } from "../../model/families/parameter-values.ts";
import { openSafetensors, type SafetensorsFile } from "../../model/files/safetensors.ts";
import { openWeights } from "../../model/files/weights.ts";
import type { EncodedDataset } from "../data/encoded-dataset.ts";
import { type EncodedExample, packExamples } from "../data/pack.ts";
import { ClassScorer } from "../score/class-scorer.ts";
import { packLosses } from "./loss.ts";
import type { Trainee } from "./method.ts";

/** Rows that are scored. */
const ROWS = 8;
const MAX_TOKENS = 4096;

/**
 * Scores some rows, reads the trained parameters back from disk into the model, and scores the rows again. A model that was
 * saved in bf16 is rounded to it first: what is compared is what was saved.
 * @throws UserError when a score differs
 */
export function verifyResult(trainee: Trainee, folder: string, rows: EncodedDataset): void {
  const step = Math.max(1, Math.floor(rows.length / ROWS));
  const examples = Array.from({ length: Math.min(ROWS, rows.length) }, (_, i) => rows.example(i * step));
  if (trainee.lora === undefined) roundAsSaved(trainee, folder);
  const before = scoresOf(trainee, examples);
  readBack(trainee, folder);
  const after = scoresOf(trainee, examples);
  if (before.length === after.length && before.every((score, i) => Object.is(score, after[i]))) return;
  throw new UserError({
    code: "train/saved-differs",
    message: "what was saved gives other scores than the model that was trained",
    where: folder,
    fix: "the disk may be failing: save to another one and go on from the last checkpoint with --resume",
  });
}

/** Logits of a class head, or the loss of every target. */
function scoresOf({ model, objective }: Trainee, examples: readonly EncodedExample[]): number[] {
  const { decoder, classHead } = model;
  if (classHead !== undefined) {
    const texts = examples.map(({ ids }) => ids);
    return new ClassScorer(decoder, classHead).score(texts).flatMap((logits) => [...logits]);
  }
  const packs = packExamples(examples, { enabled: true, sharePrompts: true, maxTokens: MAX_TOKENS });
  return packs.flatMap((pack) => [...packLosses(decoder, pack, { supervisedRowsOnly: true, objective })]);
}

function roundAsSaved({ trainable }: Trainee, folder: string): void {
  using weights = openWeights(folder);
  for (const [name, tensor] of trainable) {
    if (tensor.dtype !== "f32" || weights.info(name).dtype !== "BF16") continue;
    scope(() => castInto(tensor, cast(tensor, "bf16")));
    refreshWorking(tensor);
  }
}

function readBack({ trainable, lora }: Trainee, folder: string): void {
  if (lora !== undefined) {
    using file = openSafetensors(join(folder, "adapter_model.safetensors"));
    for (const [name, tensor] of trainable) readInto(tensor, file, `base_model.model.${name}`);
    return;
  }
  using weights = openWeights(folder);
  const values = checkpointValues(weights);
  for (const [name, tensor] of trainable) {
    values.fill(tensor, name);
    refreshWorking(tensor);
  }
}

function readInto(tensor: Tensor, file: SafetensorsFile, name: string): void {
  tensor.device.writeFrom(tensor, (part, begin) => file.readInto(name, begin, part));
  refreshWorking(tensor);
}
