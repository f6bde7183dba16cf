import type { Command } from "commander";
import { UserError } from "../../../base/errors.ts";
import { metrics } from "../../../tune/evaluate/metrics.ts";
import { isRunFolder } from "../../../tune/train/run-folder.ts";
import { absentFolder } from "../../api/absent-folder.ts";
import type { EvaluationResult } from "../../api/evaluate.ts";
import type { AnswersResult } from "../../api/evaluate-answers.ts";
import { type AnyEvaluation, type EvaluateAnyOptions, evaluateAny } from "../../api/evaluate-any.ts";
import { evaluateWithBase } from "../../api/evaluate-with-base.ts";
import { writeEvaluations } from "../../api/evaluation-file.ts";
import { loadModel } from "../../api/load-model.ts";
import { testFilesOf } from "../../api/test-files.ts";
import { renderAnswersTable } from "../../report/answers-table.ts";
import { formatPercent } from "../../report/format.ts";
import { renderComparisonTable } from "../../report/terminal-table.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { LineFile } from "../line-file.ts";
import { missedBars, parseBar } from "../metric-bars.ts";
import { addModelOptions, loadOptions } from "../model-options.ts";
import { collect, collectNames, numberBetween, required, wholeNumber } from "../options.ts";
import type { Terminal } from "../terminal.ts";

interface EvalOptions {
  readonly data?: readonly string[];
  readonly labels?: readonly string[];
  readonly limit?: number;
  readonly compare?: true;
  readonly predictions?: string;
  readonly maxNewTokens: number;
  readonly require: readonly string[];
  readonly minAccuracy?: number;
  readonly minMacroF1?: number;
}

interface Scored {
  readonly tuned: AnyEvaluation;
  readonly base?: AnyEvaluation;
}

/** `fettle eval MODEL --data FILE` */
export const evaluation: CommandModule = {
  define(command) {
    addModelOptions(command);
    command
      .option("--data <files...>", "files with labelled rows; default: the run's own test set")
      .option("--labels <names>", "label names, separated by commas; default: the run's, or the data's", collectNames)
      .option("--limit <rows>", "score at most this many rows", wholeNumber(1))
      .option("--compare", "score the base model as well")
      .option("--predictions <file>", "write what the model says to each row there, a line of JSON each")
      .option("--max-new-tokens <count>", "most tokens of an answer, where rows have no labels", wholeNumber(1), 256)
      .option("--require <metric=value>", "exit with 1 when a metric is worse; may be given several times", collect, [])
      .option("--min-accuracy <share>", "exit with 1 when the accuracy is lower", numberBetween(0, 1))
      .option("--min-macro-f1 <share>", "exit with 1 when the macro F1 is lower", numberBetween(0, 1));
    addExamples(command, [
      ["fettle eval runs/quickstart --data examples/ag-news/test.jsonl --compare", "a run beside its base"],
      ["fettle eval models/fettle-nano --data test.csv --labels yes,no", "a model that was not tuned"],
      ["fettle eval runs/mine --data test.jsonl --min-accuracy 0.9 --json", "a gate for a pipeline"],
      ["fettle eval runs/qa --data test.jsonl --max-new-tokens 64", "answers in words: exact match, F1, chrF"],
    ]);
  },

  async run(command, terminal) {
    const options = command.opts<EvalOptions>();
    const path = command.args[0]!;
    const bars = options.require.map(parseBar);
    const files = options.data ?? testFilesOf(path);
    const absent = files === undefined ? absentFolder(path) : undefined;
    if (absent !== undefined) throw absent;
    const data = required(files, "--data FILE");
    const scored = await score(path, data, command, terminal);
    const { tuned, base } = partsOf(scored);
    if (tuned.of === "labels") terminal.print(renderComparisonTable(base.labels, tuned.labels, terminal.colored));
    else terminal.print(renderAnswersTable(base.answers, tuned.answers, terminal.colored));
    const own = tuned.of === "labels" ? tuned.labels : tuned.answers;
    const lower = (name: string): boolean => metrics.some((metric) => metric.name === name && metric.lowerIsBetter);
    const missed = [...missedGates(tuned, options), ...missedBars(bars, own.metrics ?? {}, lower)];
    for (const line of missed) terminal.print(terminal.colors.red(line));
    if (isRunFolder(path)) keep(path, data, scored, terminal);
    const before = base.labels ?? base.answers;
    return {
      json: { kind: "evaluation", model: path, of: tuned.of, ...own, ...(before && { base: before }), missed },
      passed: missed.length === 0,
    };
  },
};

interface Parts {
  readonly tuned: AnyEvaluation;
  readonly base: { readonly labels?: EvaluationResult; readonly answers?: AnswersResult };
}

function partsOf({ tuned, base }: Scored): Parts {
  if (base === undefined) return { tuned, base: {} };
  return { tuned, base: base.of === "labels" ? { labels: base.labels } : { answers: base.answers } };
}

async function score(path: string, data: readonly string[], command: Command, terminal: Terminal): Promise<Scored> {
  const { labels, limit, compare, predictions, maxNewTokens } = command.opts<EvalOptions>();
  const load = loadOptions(command, terminal);
  using file = predictions === undefined ? undefined : new LineFile(predictions, data);
  const onRow = file && ((row: object) => file.line(JSON.stringify(row)));
  const sinks = { onRow, onAnswer: onRow, onEvent: terminal.onEvent };
  const evaluateOptions: EvaluateAnyOptions = { data, labels, limit, maxNewTokens, ...sinks };
  if (compare) return await evaluateWithBase(path, load, evaluateOptions);
  using model = await loadModel(path, load);
  return { tuned: await evaluateAny(model, evaluateOptions) };
}

/** @throws UserError for gates about labels where there are none */
function missedGates(tuned: AnyEvaluation, { minAccuracy, minMacroF1 }: EvalOptions): string[] {
  if (tuned.of === "answers") {
    if (minAccuracy === undefined && minMacroF1 === undefined) return [];
    throw new UserError({
      code: "evaluate/no-labels",
      message: "--min-accuracy and --min-macro-f1 are about labels, and the rows have answers in words",
      fix: "leave them out, or name the label's field in data.columns",
    });
  }
  const { accuracy, macroF1 } = tuned.labels;
  const gates = [
    ["accuracy", accuracy, minAccuracy],
    ["macro F1", macroF1, minMacroF1],
  ] as const;
  return gates
    .filter(([, found, least]) => least !== undefined && found < least)
    .map(([name, found, least]) => `${name} ${formatPercent(found)} is below the ${formatPercent(least!)} asked for`);
}

/** Keeps the scores in the run folder for its page; one that cannot be written is no reason to fail. */
function keep(runFolder: string, data: readonly string[], scored: Scored, terminal: Terminal): void {
  try {
    const { tuned, base } = partsOf(scored);
    const before = { ...(base.labels && { base: base.labels }) };
    const answers = { ...(base.answers && { base: base.answers }) };
    if (tuned.of === "labels") writeEvaluations(runFolder, { data, ...before, tuned: tuned.labels });
    else writeEvaluations(runFolder, { data, answers: { ...answers, tuned: tuned.answers } });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    terminal.onEvent({ kind: "note", level: "warning", message: `the scores are not kept: ${error.describe()}` });
  }
}
