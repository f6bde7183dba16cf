/**
 * The training loop. It is given everything made: a trainee, encoded examples, a run folder; it emits events and leaves
 * checkpoints. Setting up is `start-run.ts`, the result's folder `save-result.ts`.
 */
import { UserError } from "../../base/errors.ts";
import type { EventSink, Ledger } from "../../base/events.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Collective } from "../../engine/device/collective/collective.ts";
import { learningRateFactor } from "../../engine/optim/schedule.ts";
import { spreadParameters } from "../../engine/optim/spread-parameters.ts";
import type { EncodedExample } from "../data/pack.ts";
import {
  listCheckpoints,
  type Progress,
  pruneCheckpoints,
  restoreOptimizer,
  restoreWeights,
  saveCheckpoint,
  stepOf,
} from "./checkpoint.ts";
import { isExhausted, judge, noBest } from "./early-stopping.ts";
import { LedgerCounter, sumOfLedgers } from "./ledger.ts";
import { LossWindow } from "./loss-window.ts";
import type { Trainee } from "./method.ts";
import { updatingOf } from "./optimizer-of.ts";
import type { Plan } from "./plan.ts";
import type { RunFolder } from "./run-folder.ts";
import { optimizerStep, prepareStep, type StepSettings, type StepWork } from "./step.ts";
import type { Validation } from "./validate.ts";

export interface TrainLoopOptions {
  readonly recipe: Recipe;
  readonly trainee: Trainee;
  readonly plan: Plan;
  readonly example: (index: number) => EncodedExample;
  readonly settings: StepSettings;
  /** Of rank 0, which writes it; undefined on the others. */
  readonly folder: RunFolder | undefined;
  /** Of the processes that train together. */
  readonly collective: Collective;
  /** How the model does on the validation set; undefined without one. */
  readonly evaluate: (() => Promise<Validation>) | undefined;
  /** A complete checkpoint to go on from, which rank 0 reads. */
  readonly resume: { readonly path: string; readonly progress: Progress } | undefined;
  readonly fingerprint: Progress["fingerprint"];
  readonly signal: AbortSignal;
  readonly onEvent: EventSink;
  /** Called with where the run stands once a checkpoint of it is whole. */
  readonly onCheckpoint: (progress: Progress) => void;
}

interface PlannedStep {
  readonly epoch: number;
  /** Of the whole step. */
  readonly examples: readonly EncodedExample[];
  readonly work: StepWork;
}

export interface TrainLoopResult {
  readonly status: "finished" | "stopped early" | "interrupted";
  readonly progress: Progress;
}

export async function trainLoop(options: TrainLoopOptions): Promise<TrainLoopResult> {
  const { recipe, trainee, plan, folder, collective, resume, onEvent } = options;
  const { group } = collective;
  const { training, evaluation, checkpoints } = recipe;
  const { optimizer, reduction } = updatingOf(recipe, trainee, collective);
  try {
    const ledger = new LedgerCounter(workShape(options), group.rank === 0 ? resume?.progress.ledger : undefined);
    const window = new LossWindow(resume?.progress.seconds ?? 0);
    let best = resume?.progress.best ?? noBest;
    let step = 0;
    if (resume) {
      if (folder) {
        restoreWeights(resume.path, trainee.trainable);
        restoreOptimizer(resume.path, optimizer, resume.progress.step);
        folder.truncateMetrics(resume.progress.metricsBytes);
      } else optimizer.restore([], resume.progress.step);
      step = resume.progress.step;
    }
    spreadParameters(trainee.trainable, collective);
    const totals = (): Ledger => sumOfLedgers(group.gather(ledger.ledger()));
    const progressNow = (): Progress => ({
      step,
      best,
      seconds: window.seconds(),
      metricsBytes: folder?.metricsBytes() ?? 0,
      ledger: totals(),
      fingerprint: options.fingerprint,
    });
    const checkpoint = (): void => {
      const progress = progressNow();
      let path: string | undefined;
      optimizer.lend(() => {
        path = folder && saveCheckpoint(folder.checkpoints, trainee.trainable, optimizer, progress);
      });
      if (!folder || path === undefined) return;
      options.onCheckpoint(progress);
      pruneCheckpoints(folder.checkpoints, checkpoints.save_total_limit, best.best?.step);
      onEvent({ kind: "checkpoint", step, path, best: best.best?.step === step });
    };

    const prepare = (at: number): PlannedStep => {
      const { batches, epoch } = plan.at(at);
      const examples = batches.map((batch) => batch.map(options.example));
      return { epoch, examples: examples.flat(), work: prepareStep(examples, options.settings, group) };
    };
    let planned: PlannedStep | undefined;
    let status: TrainLoopResult["status"] = isExhausted(best, evaluation) ? "stopped early" : "finished";
    while (status === "finished" && step < plan.totalSteps) {
      const { epoch, examples, work } = planned ?? prepare(step);
      const learningRate =
        training.learning_rate *
        learningRateFactor(training.lr_scheduler_type, step, {
          warmup: plan.warmup,
          total: plan.totalSteps,
        });
      const outcome = optimizerStep(trainee, optimizer, work, learningRate, options.settings, reduction, () => {
        planned = step + 1 < plan.totalSteps ? prepare(step + 1) : undefined;
      });
      step++;
      ledger.add(work.examples, work.packs);
      window.add(outcome, examples);
      onEvent(window.progress(step, plan.totalSteps));
      if (step % training.logging_steps === 0 || step === plan.totalSteps) {
        onEvent(window.flush(step, epoch + 1 / plan.stepsPerEpoch, learningRate, totals()));
      }

      let isBest = false;
      if (options.evaluate && isDue(evaluation.eval_steps, step, plan)) {
        const { metrics, ...rows } = group.share(await options.evaluate());
        onEvent({ kind: "evaluation", step, metrics, ...rows });
        const verdict = judge(best, step, metrics[evaluation.metric_for_best_model] ?? Number.NaN, evaluation);
        best = verdict.state;
        isBest = verdict.isBest;
        if (verdict.stop) status = "stopped early";
      }
      // Without this turn of the event loop no signal would ever arrive.
      await new Promise(setImmediate);
      const stop = group.gather(options.signal.aborted).includes(true);
      if (stop && status === "finished" && step < plan.totalSteps) status = "interrupted";
      const ends = status !== "finished" || step === plan.totalSteps;
      if (isBest || ends || isDue(checkpoints.save_steps, step, plan)) checkpoint();
    }
    const bestStep = best.best?.step;
    if (status !== "interrupted" && evaluation.load_best_model_at_end && bestStep !== undefined) {
      if (folder) restoreWeights(bestCheckpoint(folder, bestStep), trainee.trainable);
      spreadParameters(trainee.trainable, collective);
    }
    const progress = progressNow();
    onEvent({ kind: "ledger", ledger: progress.ledger });
    return { status, progress };
  } finally {
    optimizer[Symbol.dispose]();
  }
}

function bestCheckpoint({ checkpoints }: RunFolder, step: number): string {
  const path = listCheckpoints(checkpoints).find((candidate) => stepOf(candidate) === step);
  if (path !== undefined) return path;
  throw new UserError({
    code: "train/no-best-checkpoint",
    message: `the best checkpoint, of step ${step}, is not there any more`,
    where: checkpoints,
    fix: "put it back, or set evaluation.load_best_model_at_end to false to end with the last one",
  });
}

function workShape({ recipe, trainee }: TrainLoopOptions): ConstructorParameters<typeof LedgerCounter>[0] {
  return {
    config: trainee.model.decoder.config,
    trainsWeights: recipe.method === "full",
    supervisedRowsOnly: recipe.packing.supervised_rows_only,
    outputs: trainee.model.classHead?.config.labels ?? trainee.model.decoder.config.vocabSize,
  };
}

/** @param every number of steps, or `epoch`: after each epoch's last step */
function isDue(every: number | "epoch" | null, step: number, plan: Plan): boolean {
  if (every === null) return false;
  return step % (every === "epoch" ? plan.stepsPerEpoch : every) === 0;
}
