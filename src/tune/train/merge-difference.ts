/** What merging an adapter changes: the answers of a run on rows of its validation set, before and after. */
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { loadRecipe } from "../../base/recipe/load.ts";
import type { Device } from "../../engine/device/device.ts";
import type { ClassHeadOptions, Model } from "../../model/families/model.ts";
import { type EncodedExample, packExamples } from "../data/pack.ts";
import { ClassScorer } from "../score/class-scorer.ts";
import { type Artefact, openArtefact } from "./artefact.ts";
import type { ArtefactParts } from "./artefact-parts.ts";
import type { RunEnvironment } from "./base-model.ts";
import { findData } from "./find-data.ts";
import { packLosses } from "./loss.ts";
import { prepareData } from "./prepare-data.ts";

/** Rows that are compared, spread over the set. */
const ROWS = 64;
const MAX_TOKENS = 4096;

export interface MergeDifference {
  readonly rows: number;
  /** Log-probabilities of the targets, or logits of the class head. */
  readonly of: "log-probabilities" | "logits";
  readonly mean: number;
  readonly max: number;
}

/** Answers of the adapter over its base, to be compared with. */
export interface AnswersBefore {
  /** What a model held to be the same answers. */
  readonly compare: (merged: Model) => MergeDifference;
  /** The head that the merged model is to be opened with. */
  readonly classHead: ClassHeadOptions | undefined;
}

/**
 * Scores rows of the run's validation set with the adapter beside the base, as it was trained.
 * @returns undefined where the recipe has no validation set
 * @throws UserError when its data cannot be read any more, or the run is damaged
 */
export async function answersBefore(
  path: string,
  { modelFolder }: ArtefactParts,
  device: Device,
  base: string | undefined,
  environment: Pick<RunEnvironment, "hub">,
): Promise<AnswersBefore | undefined> {
  const loaded = loadRecipe(join(path, "recipe.yaml"), { purpose: "train" });
  if (loaded.recipe.data.validation === null) return undefined;
  const quiet = (): void => {};
  const { data } = await prepareData(await findData(loaded, environment, quiet, quiet), modelFolder, quiet, quiet);
  const set = data.validation!.encoded;
  const count = Math.min(ROWS, set.length);
  const examples = Array.from({ length: count }, (_, i) => set.example(Math.floor((i * set.length) / count)));
  using artefact = openArtefact(path, { device, base });
  const before = scoresOf(artefact.model, examples);
  const head = classHeadOf(artefact);
  const of = head ? "logits" : "log-probabilities";
  return { compare: (merged) => differenceOf(before, scoresOf(merged, examples), count, of), classHead: head };
}

/** @throws UserError when the merged model answers too differently @param limit of the mean */
export function refuseLargeDifference({ mean, max, of, rows }: MergeDifference, limit: number): void {
  if (mean <= limit) return;
  throw new UserError({
    code: "export/merge-differs",
    message: `the merged model answers otherwise: ${of} of ${rows} validation rows differ by ${mean.toPrecision(3)} in the mean, ${max.toPrecision(3)} at most; the limit of the mean is ${limit}`,
    fix: "export with --dtype f32, whose numbers are not rounded, or allow more with --max-difference",
  });
}

function classHeadOf({ answers }: Artefact): ClassHeadOptions | undefined {
  return answers.head && { config: answers.head, seed: undefined };
}

function scoresOf({ decoder, classHead }: Model, examples: readonly EncodedExample[]): number[] {
  if (classHead !== undefined) {
    const texts = examples.map(({ ids }) => ids);
    return new ClassScorer(decoder, classHead).score(texts).flatMap((logits) => [...logits]);
  }
  const plain = examples.map(({ ids, supervised }) => ({ ids, supervised }));
  const packs = packExamples(plain, { enabled: true, sharePrompts: true, maxTokens: MAX_TOKENS });
  return packs.flatMap((pack) => [...packLosses(decoder, pack, { supervisedRowsOnly: true })]);
}

/** Not a number counts as infinitely far. */
function differenceOf(
  before: readonly number[],
  after: readonly number[],
  rows: number,
  of: MergeDifference["of"],
): MergeDifference {
  const differences = before.map((score, i) => {
    const difference = Math.abs(score - after[i]!);
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  });
  const sum = differences.reduce((total, difference) => total + difference, 0);
  const max = differences.reduce((most, difference) => Math.max(most, difference), 0);
  return { rows, of, mean: sum / Math.max(1, differences.length), max };
}
