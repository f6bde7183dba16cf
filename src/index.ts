/**
 * Fettle as a library: the same powers as the command line, and the same code.
 *
 *     import { evaluate, loadModel, predict, train } from "fettle";
 *
 *     const run = await train("recipes/quickstart.yaml");
 *     using model = await loadModel(run.folder);
 *     const { accuracy } = await evaluate(model, { data: ["examples/ag-news/test.jsonl"] });
 *     for await (const { label, probability } of predict(model, { texts: ["Stocks fell on Monday"] })) {
 *       console.log(label, probability);
 *     }
 *
 * Nothing here prints or exits; what a run says about itself goes to `onEvent`. Bad input throws `UserError`.
 */
export { type BalanceDataOptions, type BalancedData, balanceData } from "./app/api/balance-data.ts";
export { type Calibrated, type CalibrateOptions, calibrate } from "./app/api/calibrate.ts";
export { type CheckOptions, check } from "./app/api/check.ts";
export { type CompareSubjectsOptions, type ComparisonResult, compare, type Disagreement } from "./app/api/compare.ts";
export { type Conversion, type ConvertOptions, convertData } from "./app/api/convert-data.ts";
export { type EvaluateOptions, type EvaluationResult, evaluate } from "./app/api/evaluate.ts";
export { type AnswersResult, type EvaluateAnswersOptions, evaluateAnswers } from "./app/api/evaluate-answers.ts";
export { type ExportFormat, type ExportOptions, type ExportResult, exportModel } from "./app/api/export.ts";
export { type GenerationOptions, generate } from "./app/api/generate.ts";
export { type LoadedModel, type LoadModelOptions, loadModel, type Reading } from "./app/api/load-model.ts";
export { type Prediction, type PredictOptions, predict } from "./app/api/predict.ts";
export { type Pulled, type PullModelOptions, pull } from "./app/api/pull.ts";
export { type DataSplit, type SplitDataOptions, splitData } from "./app/api/split-data.ts";
export { type RecipeInput, type TrainOptions, train } from "./app/api/train.ts";
export { type ScanOptions, scan } from "./app/scan/scan.ts";
export type { Finding, Region, ScanCounts, ScanModel, ScanProblem, ScanResult } from "./app/scan/scan-result.ts";
export { type SweepOptions, sweep } from "./app/sweep/run-sweep.ts";
export type { SweepResult, SweptRun } from "./app/sweep/sweep-result.ts";
export { UserError, UserErrors } from "./base/errors.ts";
export type { EventSink, Forecast, Ledger, RunEvent, Taken } from "./base/events.ts";
export { AdapterSet } from "./model/families/adapter-set.ts";
export type { TargetShape } from "./tune/data/target-shape.ts";
export type { Evaluation } from "./tune/evaluate/classification-report.ts";
export type { Comparison, PairComparison } from "./tune/evaluate/compare/comparison.ts";
export type { GeneratedToken } from "./tune/score/generation-request.ts";
export type { CheckedRun } from "./tune/train/check-run.ts";
export type { ScanRule } from "./tune/train/scan-settings.ts";
export type { RunResult } from "./tune/train/start-run.ts";
