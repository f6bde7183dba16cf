/** A recipe into a run: the folder, the training loop, the result. */
import { UserError } from "../../base/errors.ts";
import type { EventSink, Ledger, RunEvent, SystemUse, Taken } from "../../base/events.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import { resolvedRecipeText } from "../../base/recipe/resolved.ts";
import type { Collective } from "../../engine/device/collective/collective.ts";
import { alone, type ProcessGroup } from "../../engine/device/collective/process-group.ts";
import { openCollective } from "../../engine/open-collective.ts";
import { DEFAULT_THRESHOLD } from "../score/decision.ts";
import type { RunEnvironment } from "./base-model.ts";
import type { Progress } from "./checkpoint.ts";
import type { ClassifierFile } from "./classifier-file.ts";
import { type DecisionKeys, decideOnValidation } from "./decide-on-validation.ts";
import type { BestState } from "./early-stopping.ts";
import { hashWeights } from "./hash-weights.ts";
import { type PreparedRun, prepareRun } from "./prepare-run.ts";
import { differenceOf, type Fingerprint, fingerprintOf, resumePoint } from "./resume.ts";
import { isRunFolder, RunFolder, type RunInfo, readRunInfo } from "./run-folder.ts";
import { saveResult } from "./save-result.ts";
import type { ScanSettings } from "./scan-settings.ts";
import type { SharedParts } from "./shared-parts.ts";
import { type TrainLoopOptions, trainLoop } from "./train.ts";
import { type ValidatorOptions, validate } from "./validate.ts";
import { verifyResult } from "./verify-result.ts";

export interface StartOptions extends RunEnvironment {
  /** Go on from the newest checkpoint in the run folder, if there is one. */
  readonly resume: boolean;
  /** Stop before the first step: everything is read, checked and chosen, nothing is written. */
  readonly dryRun: boolean;
  /** Aborted: a checkpoint is written after the running step, and the run ends as interrupted. */
  readonly signal: AbortSignal;
  readonly onEvent: EventSink;
  /** How busy the machine is; asked now and then after a step was logged. */
  readonly systemUse?: (() => Omit<SystemUse, "seconds" | "deviceBytes">) | undefined;
  /** Parts that other runs use too; default: its own. */
  readonly parts?: SharedParts | undefined;
  /** The processes that train together, each of which calls this; default: one alone. */
  readonly group?: ProcessGroup | undefined;
}

export interface RunResult {
  readonly folder: string;
  readonly status: "finished" | "stopped early" | "interrupted" | "planned";
  readonly steps: number;
  readonly totalSteps: number;
  readonly data: RunInfo["data"];
  readonly trainableParameters: number;
  readonly seconds: number;
  /** Most memory that the process ever held. */
  readonly peakMemoryBytes: number;
  readonly predicted: Taken;
  /** Of the device; null unless it was trained. */
  readonly measured: Taken | null;
  readonly ledger: Ledger | null;
  readonly best: BestState["best"];
  /** sha256 of the result's safetensors; null unless the run is over. */
  readonly weightsSha256: string | null;
}

/** Seconds between two looks at how busy the machine is, at least. */
const SYSTEM_PERIOD = 5;

/**
 * Of several processes rank 0 alone tells events and writes.
 * @throws UserError for anything about recipe, data, model or disk that stands in the way
 */
export async function startRun(loaded: LoadedRecipe, given: StartOptions): Promise<RunResult> {
  const { group = alone, resume, dryRun } = given;
  const { output } = loaded.recipe;
  const leads = group.rank === 0;
  const options: StartOptions = { ...given, group, onEvent: leads ? given.onEvent : () => {} };
  if (!dryRun && leads) refuseOldRun(output, resume);
  const early: RunEvent[] = [];
  const before = group.share(resume && leads && isRunFolder(output) ? readRunInfo(output) : undefined);
  const tell: EventSink = (event) => {
    if (event.kind !== "progress") early.push(event);
    options.onEvent(event);
  };
  if (group.size > 1) tell(processesChoice(group));
  using prepared = await prepareRun(loaded, options, before, tell, options.parts);
  if (dryRun) return { ...resultOf(prepared.info, output, "planned"), best: null };
  using folder = leads ? RunFolder.open(output) : undefined;
  // Another process may have made and finished a run here in the meantime.
  if (leads) refuseOldRun(output, resume);
  const collective = openCollective(group, prepared.trainee.model.decoder.device);
  try {
    const result = await trainIn(folder, prepared, early, loaded, options, collective);
    // Rank 0 still saves when the others are done.
    group.share(undefined);
    collective.close();
    return result;
  } catch (error) {
    collective.abort();
    throw error;
  }
}

/**
 * @param folder of rank 0
 * @param early what was said before there was a folder to keep it in
 */
async function trainIn(
  folder: RunFolder | undefined,
  prepared: PreparedRun,
  early: readonly RunEvent[],
  loaded: LoadedRecipe,
  options: StartOptions,
  collective: Collective,
): Promise<RunResult> {
  const { recipe } = loaded;
  const { trainee, data, plan, settings } = prepared;
  const { group } = collective;
  const fingerprint = fingerprintOf(recipe, prepared.info, trainee.model.decoder.device, data);
  refuseDifferences(group.gather(fingerprint));
  const resume = group.share(folder && options.resume ? resumePoint(folder, fingerprint, options.onEvent) : undefined);
  if (!resume) {
    folder?.truncateMetrics(0);
    for (const event of early) folder?.append(event);
  }
  folder?.writeRecipe(resolvedRecipeText(loaded, prepared.choices));
  if (data.splits) folder?.writeSplits(data.splits);
  let info: RunInfo = { ...prepared.info, ...(resume && standing(resume.progress)) };
  folder?.writeInfo(info);
  const looking = validatorOptions(prepared, loaded, group, (event) => loop.onEvent(event));
  let toldAt = Number.NEGATIVE_INFINITY;
  const tellSystemUse = (seconds: number): void => {
    if (options.systemUse === undefined || seconds - toldAt < SYSTEM_PERIOD) return;
    toldAt = seconds;
    const deviceBytes = trainee.model.decoder.device.memory().live;
    loop.onEvent({ kind: "system", seconds, deviceBytes, ...options.systemUse() });
  };
  const loop: TrainLoopOptions = {
    recipe: { ...recipe, training: { ...recipe.training, optim: prepared.optim } },
    trainee,
    plan,
    example: (index) => data.train.encoded.example(index),
    settings,
    folder,
    collective,
    evaluate: looking && (() => validate(looking)),
    resume,
    fingerprint,
    signal: options.signal,
    onEvent: (event) => {
      if (event.kind !== "progress") folder?.append(event);
      options.onEvent(event);
      if (event.kind === "step") tellSystemUse(event.seconds);
    },
    onCheckpoint: (progress) => {
      info = { ...info, ...standing(progress) };
      folder?.writeInfo(info);
    },
  };
  try {
    const { device } = trainee.model.decoder;
    device.resetPeak();
    const { status, progress } = await trainLoop(loop);
    const measured = { peakBytes: device.memory().peak, seconds: progress.seconds };
    loop.onEvent({ kind: "measurement", measured });
    info = { ...info, status, ...standing(progress), measured, peakMemoryBytes: peakMemory() };
    const decided = status === "interrupted" ? undefined : looking && (await decideOnValidation(looking));
    if (status !== "interrupted" && folder) {
      const padToken = prepared.encoder.tokenizer.padId;
      const classifier = classifierOf(info, recipe, decided, prepared.scan);
      const result = await saveResult(trainee, folder.path, { classifier, padToken }, loop.onEvent);
      verifyResult(trainee, result, data.train.encoded);
      info = { ...info, weightsSha256: await hashWeights(result) };
    }
    folder?.writeInfo(info);
    return { ...resultOf(info, recipe.output, status), best: progress.best.best };
  } catch (error) {
    if (folder) writeFailure(folder, info);
    throw error;
  }
}

function processesChoice({ size, place }: ProcessGroup): RunEvent {
  return { kind: "choice", name: "processes", value: String(size), reason: `started by ${place!.launcher}` };
}

/** Processes that compute something else would spoil the result without a word. */
function refuseDifferences([first, ...others]: readonly Fingerprint[]): void {
  for (const [i, other] of others.entries()) {
    const keys = [...new Set([...Object.keys(first!), ...Object.keys(other)])];
    const different = keys.filter((key) => first![key] !== other[key]);
    if (different.length === 0) continue;
    const told = different.map((key) => differenceOf(key, first!, other));
    throw new UserError({
      code: "processes/differ",
      message: `rank ${i + 1} trains something else than rank 0: ${told.slice(0, 5).join("; ")}`,
      fix: "give all processes the same recipe, the same files and the same kind of device",
    });
  }
}

/** What is kept beside the weights of a classifier; undefined for a model that is none. */
function classifierOf(
  { labels, ...info }: RunInfo,
  { evaluation }: LoadedRecipe["recipe"],
  decided: DecisionKeys | undefined,
  scan: ScanSettings | null,
): ClassifierFile | undefined {
  if (labels === null) return undefined;
  const several = info.problem_type === "multi_label_classification";
  return {
    version: 1,
    task_type: info.task_type,
    problem_type: info.problem_type,
    labels,
    thresholds: several ? Object.fromEntries(labels.map((name) => [name, DEFAULT_THRESHOLD])) : null,
    temperature: null,
    positive_label: evaluation.positive_label,
    ...decided,
    head: info.head,
    template: info.template,
    columns: info.columns,
    template_sha256: info.templateHash,
    scan,
  };
}

/** How far a run is, for run.json. */
function standing({ step: steps, seconds, ledger }: Progress): Pick<RunInfo, "steps" | "seconds" | "ledger"> {
  return { steps, seconds, ledger };
}

/** Undefined without a validation set. */
function validatorOptions(
  { trainee, data, encoder, encodeOptions, settings }: PreparedRun,
  { recipe }: LoadedRecipe,
  group: ProcessGroup,
  onEvent: EventSink,
): ValidatorOptions | undefined {
  const { validation } = data;
  return validation && { recipe, trainee, validation, encoder, encodeOptions, settings, group, onEvent };
}

/** The disk may be what failed: then the original error matters, not this one. */
function writeFailure(folder: RunFolder, info: RunInfo): void {
  try {
    folder.writeInfo({ ...info, status: "failed" });
  } catch {
    // Nothing is lost: the checkpoints are there, and the run is resumed from them whatever run.json says.
  }
}

function refuseOldRun(output: string, resume: boolean): void {
  if (resume || !isRunFolder(output)) return;
  throw new UserError({
    code: "run/exists",
    message: "there is a run in this folder already",
    where: output,
    fix: "add --resume to go on with it, or choose another output (--output, or output: in the recipe)",
  });
}

function resultOf(info: RunInfo, folder: string, status: RunResult["status"]): Omit<RunResult, "best"> {
  const { data, steps, totalSteps, trainableParameters, seconds, peakMemoryBytes, ledger, weightsSha256 } = info;
  const { predicted, measured } = info;
  return {
    folder,
    status,
    steps,
    totalSteps,
    data,
    trainableParameters,
    seconds,
    peakMemoryBytes,
    predicted,
    measured,
    ledger,
    weightsSha256,
  };
}

function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024;
}
