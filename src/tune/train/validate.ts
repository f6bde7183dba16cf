/** Looking at the validation set while training: the loss over its targets, packed as in training. */
import type { EventSink } from "../../base/events.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import { countTargets, packExamples } from "../data/pack.ts";
import { packLoss } from "./loss.ts";
import type { Trainee } from "./method.ts";
import type { EncodedSet } from "./run-data.ts";
import type { StepSettings } from "./step.ts";

export type Validator = (step: number) => Promise<Readonly<Record<string, number>>>;

/** Undefined without a validation set. */
export function validator(
  recipe: Recipe,
  trainee: Trainee,
  validation: EncodedSet | undefined,
  settings: StepSettings,
  onEvent: EventSink,
): Validator | undefined {
  if (validation === undefined) return undefined;
  return async () => ({ loss: await meanLoss(recipe, trainee, validation, settings, onEvent) });
}

async function meanLoss(
  recipe: Recipe,
  { model }: Trainee,
  { encoded }: EncodedSet,
  settings: StepSettings,
  onEvent: EventSink,
): Promise<number> {
  const { enabled, share_prompts: sharePrompts, supervised_rows_only: supervisedRowsOnly } = recipe.packing;
  let sum = 0;
  let targets = 0;
  const size = Math.max(recipe.training.batch_size, 64);
  for (let at = 0; at < encoded.length; at += size) {
    const end = Math.min(at + size, encoded.length);
    const examples = Array.from({ length: end - at }, (_, i) => encoded.example(at + i));
    for (const pack of packExamples(examples, { enabled, sharePrompts, maxTokens: settings.maxTokens })) {
      sum += packLoss(model.decoder, pack, { supervisedRowsOnly });
    }
    targets += countTargets(examples);
    onEvent({ kind: "progress", task: "validate", done: end, total: encoded.length, unit: "examples" });
    await new Promise(setImmediate);
  }
  return sum / targets;
}
