/** The page of a run, from what lies in its folder. */
import { readdirSync, statSync } from "node:fs";
import { cpus, platform, release } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import { loadRecipe } from "../../base/recipe/load.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { modelNameOf } from "../../model/files/hub/snapshot.ts";
import { readTextFile } from "../../model/files/json-file.ts";
import { openWeights } from "../../model/files/weights.ts";
import { type RunInfo, readRunInfo } from "../../tune/train/run-folder.ts";
import type { Fact, ReportData } from "../report/report-data.ts";
import { readRunHistory } from "../report/run-history.ts";
import { type Evaluations, readEvaluations } from "./evaluation-file.ts";
import { testFilesOf } from "./test-files.ts";

const MAX_RECIPE_BYTES = 2 ** 20;

/**
 * What the page of a finished run shows.
 * @throws UserError when the run is not over, or its files are damaged
 */
export async function reportOfRun(folder: string, title: string): Promise<ReportData> {
  const info = readRunInfo(folder);
  if (info.weightsSha256 === null) throw notOver(folder, info);
  const recipePath = join(folder, "recipe.yaml");
  const { recipe } = loadRecipe(recipePath);
  const evaluations = readEvaluations(folder);
  const scoring = scoringPhases(evaluations);
  return {
    title,
    createdAt: new Date().toISOString(),
    model: {
      name: modelNameOf(info.base),
      family: readConfigJson(info.base).string("model_type"),
      parameters: countParameters(info.weights === "model" ? join(folder, "model") : info.base),
      trainedParameters: info.trainableParameters,
    },
    method: { name: info.method, settings: settingsOf(recipe) },
    trainingData: describeTraining(recipe, info),
    history: await readRunHistory(folder),
    ...withEvaluation(evaluations),
    ...(evaluations?.answers && { written: { name: namesOf(evaluations.data), ...evaluations.answers } }),
    cost: {
      device: `${recipe.device}, ${recipe.precision}`,
      seconds: info.seconds + scoring.reduce((sum, { seconds }) => sum + seconds, 0),
      phases: [{ name: "training", seconds: info.seconds }, ...scoring],
      peakMemoryBytes: info.peakMemoryBytes,
      outputBytes: bytesOf(join(folder, info.weights)),
      predicted: info.predicted,
      measured: info.measured ?? undefined,
    },
    evaluateCommand: `fettle eval ${shortPath(folder)}${testFilesOf(folder) ? "" : " --data FILE"} --compare`,
    reproduce: {
      command: `fettle train ${shortPath(recipePath)} --output NEW_FOLDER`,
      seed: recipe.seed,
      versions: versions(info),
      sha256: info.weightsSha256,
      recipe: readTextFile(recipePath, MAX_RECIPE_BYTES),
    },
  };
}

/** From here, unless that leads further up than it is long. */
function shortPath(path: string): string {
  const near = relative(".", path);
  return near === "" || near.startsWith("..") ? resolve(path) : near;
}

function notOver(folder: string, { status, steps, totalSteps }: RunInfo): UserError {
  return new UserError({
    code: "report/not-over",
    message: `the run is ${status} at step ${steps} of ${totalSteps}: there is no result to report on`,
    where: folder,
    fix: "finish it: fettle train RECIPE --resume",
  });
}

/** Of rows with labels. */
function withEvaluation(evaluations: Evaluations | undefined): Pick<ReportData, "evaluation"> {
  const { base, tuned } = evaluations ?? {};
  if (tuned === undefined) return {};
  const name = namesOf(evaluations!.data);
  return { evaluation: { name, ...(base && { base }), tuned, mistakes: tuned.mistakes } };
}

function scoringPhases(evaluations: Evaluations | undefined): { name: string; seconds: number }[] {
  const { base, tuned } = evaluations ?? {};
  return [
    ...(base ? [{ name: "scoring before", seconds: base.seconds }] : []),
    ...(tuned ? [{ name: "scoring after", seconds: tuned.seconds }] : []),
  ];
}

function describeTraining({ data, template }: Recipe, info: RunInfo): ReportData["trainingData"] {
  const name = namesOf(typeof data.train === "string" ? [data.train] : (data.train ?? []));
  const { rows, skipped, cut, lengths } = info.data.train;
  const maxLength = template.max_length === "auto" ? undefined : template.max_length;
  return { name, rows, skipped, cut, lengths, maxLength, preparation: info.data.preparation ?? [] };
}

function namesOf(paths: readonly string[]): string {
  return paths.map((path) => basename(path)).join(", ");
}

function settingsOf({ lora, quantization, training }: Recipe): Fact[] {
  const length = training.max_steps === null ? `${training.num_train_epochs} epochs` : `${training.max_steps} steps`;
  const targets = lora?.target_modules;
  const settings: readonly (readonly [string, unknown])[] = [
    ["rank", lora?.r],
    ["alpha", lora?.lora_alpha],
    ["dropout", lora?.lora_dropout || undefined],
    ["target modules", typeof targets === "object" ? targets.join(", ") : targets],
    ["base weights", quantization && `${quantization.type}, blocks of ${quantization.block_size}`],
    ["learning rate", `${training.learning_rate}, ${training.lr_scheduler_type}`],
    ["length", length],
    ["examples a step", training.batch_size * training.gradient_accumulation_steps],
    ["optimizer", training.optim],
  ];
  return settings.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value: String(value) }]));
}

function countParameters(folder: string): number {
  using weights = openWeights(folder);
  let parameters = 0;
  for (const name of weights.names()) {
    parameters += weights.info(name).shape.reduce((product, size) => product * size, 1);
  }
  return parameters;
}

function bytesOf(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

function versions(info: RunInfo): Fact[] {
  return [
    { name: "Fettle", value: info.fettle },
    { name: "Node.js", value: process.version },
    { name: "Operating system", value: `${platform()} ${release()}` },
    { name: "Processor", value: cpus()[0]?.model ?? "unknown" },
  ];
}
