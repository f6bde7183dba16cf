import { UserError } from "../../base/errors.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import { familyOf } from "../../model/families/index.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { loadChatTemplateIfAny } from "../../model/text/chat-template.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import { encoderOf, loadRunData } from "../../tune/train/run-data.ts";

/** What became of the rows of a training set. */
export interface TrainingRows {
  /** Rows that were learnt from. */
  readonly rows: number;
  readonly skipped: number;
  readonly cut: number;
}

/** Reads a run's training set as training did. Zeros when its files are no longer there. */
export async function trainingRows(recipe: Recipe, base: string): Promise<TrainingRows> {
  try {
    const json = readConfigJson(base);
    const { maxPositions } = familyOf(json).readConfig(json);
    const { max_length: length, too_long: tooLong, cut_field: cutField } = recipe.template;
    const encoder = encoderOf(recipe, loadChatTemplateIfAny(base), loadTokenizer(base));
    const options = { maxLength: length === "auto" ? maxPositions : length, tooLong, cutField };
    const { train } = await loadRunData(recipe, encoder, options, () => {});
    let skipped = train.dataset.skipped;
    let cut = 0;
    for (const problem of train.encoded.problems) {
      if (problem.skipped) skipped += problem.count;
      else cut += problem.count;
    }
    return { rows: train.encoded.length, skipped, cut };
  } catch (error) {
    if (error instanceof UserError) return { rows: 0, skipped: 0, cut: 0 };
    throw error;
  }
}
