import type { Command } from "commander";
import { UserError } from "../../../base/errors.ts";
import { isRunFolder } from "../../../tune/train/run-folder.ts";
import { type EvaluateOptions, type EvaluationResult, evaluate } from "../../api/evaluate.ts";
import { evaluateWithBase } from "../../api/evaluate-with-base.ts";
import { writeEvaluations } from "../../api/evaluation-file.ts";
import { loadModel } from "../../api/load-model.ts";
import { testFilesOf } from "../../api/test-files.ts";
import { formatPercent } from "../../report/format.ts";
import { renderComparisonTable } from "../../report/terminal-table.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { LineFile } from "../line-file.ts";
import { addModelOptions, loadOptions } from "../model-options.ts";
import { collectNames, numberBetween, required, wholeNumber } from "../options.ts";
import type { Terminal } from "../terminal.ts";

interface EvalOptions {
  readonly data?: readonly string[];
  readonly labels?: readonly string[];
  readonly limit?: number;
  readonly compare?: true;
  readonly predictions?: string;
  readonly minAccuracy?: number;
  readonly minMacroF1?: number;
}

interface Scored {
  readonly tuned: EvaluationResult;
  readonly base?: EvaluationResult;
}

/** `fettle eval MODEL --data FILE` */
export const evaluation: CommandModule = {
  define(command) {
    addModelOptions(command);
    command
      .option("--data <files...>", "files with labelled rows; default: the test files of the run's recipe")
      .option("--labels <names>", "label names, separated by commas; default: the run's, or the data's", collectNames)
      .option("--limit <rows>", "score at most this many rows", wholeNumber(1))
      .option("--compare", "score the base model as well")
      .option("--predictions <file>", "write what the model says to each row there, a line of JSON each")
      .option("--min-accuracy <share>", "exit with 1 when the accuracy is lower", numberBetween(0, 1))
      .option("--min-macro-f1 <share>", "exit with 1 when the macro F1 is lower", numberBetween(0, 1));
    addExamples(command, [
      ["fettle eval runs/quickstart --data examples/ag-news/test.jsonl --compare", "a run beside its base"],
      ["fettle eval models/fettle-nano --data test.csv --labels yes,no", "a model that was not tuned"],
      ["fettle eval runs/mine --data test.jsonl --min-accuracy 0.9 --json", "a gate for a pipeline"],
    ]);
  },

  async run(command, terminal) {
    const options = command.opts<EvalOptions>();
    const path = command.args[0]!;
    const data = required(options.data ?? testFilesOf(path), "--data FILE");
    const scored = await score(path, data, command, terminal);
    const { tuned, base } = scored;
    terminal.print(renderComparisonTable(base, tuned, terminal.colored));
    const missed = missedGates(tuned, options);
    for (const line of missed) terminal.print(terminal.colors.red(line));
    if (isRunFolder(path)) keep(path, data, scored, terminal);
    return {
      json: { kind: "evaluation", model: path, ...tuned, ...(base && { base }), missed },
      passed: missed.length === 0,
    };
  },
};

async function score(path: string, data: readonly string[], command: Command, terminal: Terminal): Promise<Scored> {
  const { labels, limit, compare, predictions } = command.opts<EvalOptions>();
  const load = loadOptions(command, terminal);
  using file = predictions === undefined ? undefined : new LineFile(predictions, data);
  const onRow = file && ((row: object) => file.line(JSON.stringify(row)));
  const evaluateOptions: EvaluateOptions = { data, labels, limit, onRow, onEvent: terminal.onEvent };
  if (compare) return await evaluateWithBase(path, load, evaluateOptions);
  using model = await loadModel(path, load);
  return { tuned: await evaluate(model, evaluateOptions) };
}

function missedGates({ accuracy, macroF1 }: EvaluationResult, { minAccuracy, minMacroF1 }: EvalOptions): string[] {
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
    writeEvaluations(runFolder, { data, ...scored });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    terminal.onEvent({ kind: "note", level: "warning", message: `the scores are not kept: ${error.describe()}` });
  }
}
