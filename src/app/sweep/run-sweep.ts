/** Runs every combination of a sweep that is not over yet, scores each, and says which is best. */
import { join } from "node:path";
import { messageOf, UserError, UserErrors } from "../../base/errors.ts";
import type { EventSink, Forecast } from "../../base/events.ts";
import { inRuns, type LoadSweepOptions, loadSweep } from "../../base/sweep/load-sweep.ts";
import type { Combination, Sweep } from "../../base/sweep/sweep.ts";
import { makeFolder, writeFileAtomic } from "../../model/files/atomic.ts";
import { planRun } from "../../tune/train/plan-run.ts";
import { isRunFolder, readRunInfo } from "../../tune/train/run-folder.ts";
import { SharedParts } from "../../tune/train/shared-parts.ts";
import { trackedRun } from "../api/tracked-run.ts";
import { runEnvironment } from "../environment.ts";
import { checkMetric, chooseBest, metricOf } from "./choose-best.ts";
import { readResult, writeCombination } from "./combination-file.ts";
import { type DataStamp, DataStamps } from "./data-stamp.ts";
import { orderRuns } from "./order-runs.ts";
import { scoreRun } from "./score-run.ts";
import { claimRun, inTurn, lockSweep, noLock, type SweepShard, turnToWrite } from "./share-sweep.ts";
import { renderSweepPage } from "./sweep-page.ts";
import type { SweepResult, SweptResult, SweptRun } from "./sweep-result.ts";

export interface SweepOptions extends LoadSweepOptions {
  /** One of several processes that share the sweep, on one machine or on many with a folder in common. */
  readonly shard?: SweepShard | undefined;
  /** Check everything and say how long it will take; nothing is trained or written. */
  readonly dryRun?: boolean | undefined;
  /** Aborting it ends the sweep after the current step, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventSink | undefined;
  /** Told once everything is checked. */
  readonly onPlan?: ((plan: SweepPlan) => void) | undefined;
  /** Told before each run and after it. */
  readonly onRun?: ((run: SweptRun, index: number, total: number) => void) | undefined;
}

export interface SweepPlan {
  /** Runs in all, and of them those that are over already. */
  readonly runs: number;
  readonly done: number;
  /** Estimated for the rest, without scoring. */
  readonly seconds: number;
  readonly forecasts: Readonly<Record<string, Forecast>>;
}

/** What is known of a combination before the sweep goes on. */
interface Standing {
  readonly combination: Combination;
  readonly data: DataStamp;
  readonly result: SweptResult | undefined;
}

/**
 * @param path a sweep file, or a recipe with `grid`
 * @throws UserErrors with every mistake of all combinations, before anything is trained
 */
export async function sweep(path: string, options: SweepOptions = {}): Promise<SweepResult> {
  const { signal = new AbortController().signal, onEvent = () => {} } = options;
  const loaded = loadSweep(path, options);
  if (loaded.metric !== undefined) checkMetric(loaded.metric, path);
  const standings = await standingsOf(loaded);
  using parts = new SharedParts();
  const open = orderRuns(standings.filter(({ result }) => !result).map(({ combination }) => combination));
  const forecasts = await foresee(open, loaded, parts, onEvent);
  const seconds = Object.values(forecasts).reduce((sum, forecast) => sum + forecast.seconds, 0);
  options.onPlan?.({ runs: standings.length, done: standings.length - open.length, seconds, forecasts });
  const swept = new Map(standings.map((standing) => [standing.combination.name, before(standing)]));
  if (options.dryRun) return resultOf(loaded, [...swept.values()], false);

  makeFolder(loaded.output);
  const { shard } = options;
  using _lock = shard === undefined ? lockSweep(loaded.output) : noLock;
  const write = async (): Promise<SweepResult> => {
    using _turn = shard === undefined ? noLock : await turnToWrite(loaded.output);
    // Others may have come further since.
    if (shard !== undefined) for (const standing of standings) refresh(swept, standing);
    const result = resultOf(loaded, [...swept.values()], signal.aborted);
    writeFileAtomic(join(loaded.output, "sweep.json"), `${JSON.stringify(result, null, 2)}\n`);
    return result;
  };
  for (const [i, combination] of (shard === undefined ? open : inTurn(open, shard)).entries()) {
    if (signal.aborted) break;
    const standing = standings.find((one) => one.combination === combination)!;
    using claim = shard === undefined ? noLock : claimRun(combination);
    // Another process has it, or has come to its end in the meantime.
    if (claim === undefined || (shard !== undefined && isOver(standing, swept))) continue;
    options.onRun?.(swept.get(combination.name)!, i + 1, open.length);
    const run = await runOne(combination, standing.data, parts, signal, onEvent);
    swept.set(combination.name, run);
    await write();
    options.onRun?.(run, i + 1, open.length);
  }
  const result = await write();
  writeFileAtomic(join(loaded.output, "report.html"), renderSweepPage(result, loaded.name));
  return result;
}

/** Whether another process has finished a run, or failed at it, since this one looked. */
function isOver(standing: Standing, swept: ReadonlyMap<string, SweptRun>): boolean {
  const now = before({ ...standing, result: readResult(standing.combination, standing.data) });
  const then = swept.get(standing.combination.name)!;
  return now.result !== null || (now.status === "failed" && then.status !== "failed");
}

/** A run of another process may be over by now, or fail; what this one knows of its own stands. */
function refresh(swept: Map<string, SweptRun>, standing: Standing): void {
  const known = swept.get(standing.combination.name)!;
  if (known.result !== null || known.error !== null) return;
  const result = readResult(standing.combination, standing.data);
  swept.set(standing.combination.name, before({ ...standing, result }));
}

/** @throws UserErrors for folders that hold other runs */
async function standingsOf({ combinations }: Sweep): Promise<Standing[]> {
  const stamps = new DataStamps();
  const errors: UserError[] = [];
  const standings: Standing[] = [];
  for (const combination of combinations) {
    const data = await stamps.of(combination.loaded.recipe.data);
    try {
      standings.push({ combination, data, result: readResult(combination, data) });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new UserErrors("sweep/other-runs", "the folder holds runs of another sweep", errors);
  return standings;
}

/** What each run will take. @throws UserErrors for what stands in the way of any */
async function foresee(
  combinations: readonly Combination[],
  { combinations: all }: Sweep,
  parts: SharedParts,
  onEvent: EventSink,
): Promise<Record<string, Forecast>> {
  const forecasts: Record<string, Forecast> = {};
  const found = new Map<string, { readonly error: UserError; readonly names: string[] }>();
  const environment = runEnvironment();
  for (const { name, loaded } of combinations) {
    try {
      const sink: EventSink = (event) => event.kind === "progress" && onEvent(event);
      const planned = await planRun(loaded, { environment, parts, weights: "later", onEvent: sink });
      if (planned.refusal) throw planned.refusal;
      forecasts[name] = planned.forecast;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const key = error.describe();
      if (!found.has(key)) found.set(key, { error, names: [] });
      found.get(key)!.names.push(name);
    }
  }
  if (found.size === 0) return forecasts;
  const errors = [...found.values()].map(({ error, names }) => inRuns(error, names, all.length));
  throw new UserErrors("sweep/invalid", "the sweep cannot be run", errors);
}

function before({ combination: { name, labels, loaded }, result }: Standing): SweptRun {
  const folder = loaded.recipe.output;
  const status = isRunFolder(folder) ? readRunInfo(folder).status : "not started";
  return { name, folder, labels, status, error: null, result: result ?? null };
}

/** Trains, or goes on, and scores; whatever stands in the way is this run's failure and no other's. */
async function runOne(
  combination: Combination,
  data: DataStamp,
  parts: SharedParts,
  signal: AbortSignal,
  onEvent: EventSink,
): Promise<SweptRun> {
  const { name, labels, loaded } = combination;
  const folder = loaded.recipe.output;
  const run = { name, folder, labels, error: null, result: null };
  try {
    writeCombination(combination, data, null);
    const { status, ...trained } = await trackedRun(loaded, {
      ...runEnvironment(),
      ...{ resume: true, dryRun: false, signal, onEvent, parts },
    });
    if (status === "interrupted" || status === "planned") return { ...run, status: "interrupted" };
    if (signal.aborted) return { ...run, status };
    const scores = await scoreRun(loaded, parts, onEvent);
    const { steps, seconds, measured, trainableParameters, weightsSha256 } = trained;
    const result: SweptResult = {
      ...{ steps, seconds, peakBytes: measured?.peakBytes ?? null, trainableParameters },
      weightsSha256: weightsSha256!,
      ...scores,
    };
    writeCombination(combination, data, result);
    return { ...run, status, result };
  } catch (error) {
    // What it left on the device is not known.
    parts[Symbol.dispose]();
    return { ...run, status: "failed", error: error instanceof UserError ? error.describe() : messageOf(error) };
  }
}

function resultOf(
  { recipe, output, metric: asked, axes }: Sweep,
  runs: readonly SweptRun[],
  interrupted: boolean,
): SweepResult {
  const metric = metricOf(asked, runs);
  return {
    version: 1,
    ...{ recipe, output, interrupted, metric, runs },
    axes: axes.map(({ name, values }) => ({ name, values: values.map(({ label }) => label) })),
    best: chooseBest(runs, metric),
  };
}
