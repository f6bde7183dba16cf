/** A finished run on validation rows, to choose by, and on test rows, to report. */
import type { EventSink } from "../../base/events.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Dataset } from "../../tune/data/dataset.ts";
import { encodeDataset } from "../../tune/data/encode.ts";
import { openArtefact } from "../../tune/train/artefact.ts";
import { nextTokenObjective } from "../../tune/train/objective.ts";
import { deviceOptions } from "../../tune/train/plan-run.ts";
import { prepareData } from "../../tune/train/prepare-data.ts";
import type { EncodedSet } from "../../tune/train/run-data.ts";
import { readRunInfo } from "../../tune/train/run-folder.ts";
import { openForScoring } from "../../tune/train/shared-base.ts";
import type { SharedParts } from "../../tune/train/shared-parts.ts";
import { meanLoss } from "../../tune/train/validate.ts";
import { type EvaluationResult, evaluateSet } from "../api/evaluate.ts";
import type { LoadedModel } from "../api/load-model.ts";
import { loadScoringSet } from "../api/scoring-set.ts";
import { testFilesOf } from "../api/test-files.ts";
import { deviceEnvironment } from "../environment.ts";
import { LOSS } from "./choose-best.ts";
import type { ScoredSet, SweptResult } from "./sweep-result.ts";

/** @throws UserError when rows or model cannot be read */
export async function scoreRun(
  loaded: LoadedRecipe,
  parts: SharedParts,
  onEvent: EventSink,
): Promise<Pick<SweptResult, "validation" | "test">> {
  const { recipe } = loaded;
  const quiet = (): void => {};
  const environment = deviceEnvironment();
  const { cacheFolder } = environment;
  const { device } = await parts.device(deviceOptions(recipe, environment));
  const { base } = readRunInfo(recipe.output);
  const prepared = await prepareData(loaded, base, quiet, quiet, { parts, cacheFolder });
  using artefact = openArtefact(recipe.output, { device, template: recipe.template, open: openForScoring(parts) });
  const { data, template, problem_type } = recipe;
  const multiLabel = problem_type === "multi_label_classification";
  const model: LoadedModel = { artefact, device, reading: { data, template, multiLabel }, [Symbol.dispose]: quiet };
  const { train, validation } = prepared.data;
  const { labels, shape } = train.dataset;
  const files = testFilesOf(recipe.output);
  const test = files && (await loadScoringSet(model, files, { answerOptional: false }, quiet));
  if (labels !== undefined && (shape.kind !== "text" || shape.forHead)) {
    return {
      validation: validation ? scored(await evaluateSet(model, validation.dataset, { onEvent })) : null,
      test: test ? scored(await evaluateSet(model, test, { onEvent })) : null,
    };
  }
  const lossOf = async (set: EncodedSet): Promise<ScoredSet> => {
    const objective = nextTokenObjective(artefact.model.decoder, { gamma: 0, smoothing: 0 });
    const { maxTokens } = readRunInfo(recipe.output).settled;
    const settings = { maxTokens };
    const trainee = { model: artefact.model, objective };
    const loss = await meanLoss({ recipe, trainee, validation: set, settings, onEvent });
    return { rows: set.encoded.length, metrics: { [LOSS]: loss } };
  };
  const encode = async (dataset: Dataset): Promise<EncodedSet> => {
    const { encoder, encodeOptions } = prepared;
    return { dataset, encoded: await encodeDataset(dataset, encoder, encodeOptions, onEvent) };
  };
  return {
    validation: validation ? await lossOf(validation) : null,
    test: test ? await lossOf(await encode(test)) : null,
  };
}

function scored({ rows, metrics = {} }: EvaluationResult): ScoredSet {
  const values = Object.entries(metrics).map(([name, { value }]) => [name, value]);
  return { rows, metrics: Object.fromEntries(values) };
}
