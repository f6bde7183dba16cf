import { UserError } from "../../../base/errors.ts";
import { loadModel } from "../../api/load-model.ts";
import { type Prediction, type PredictOptions, predict as predictRows } from "../../api/predict.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { LineFile } from "../line-file.ts";
import { addModelOptions, loadOptions } from "../model-options.ts";
import { collect, collectNames, wholeNumber } from "../options.ts";
import { spoolStdin } from "../stdin.ts";

interface PredictFlags {
  readonly text: readonly string[];
  readonly data?: readonly string[];
  readonly labels?: readonly string[];
  readonly limit?: number;
  readonly output?: string;
}

/** `fettle predict MODEL (--text TEXT | --data FILE | -)` */
export const predict: CommandModule = {
  define(command) {
    addModelOptions(command);
    command
      .argument("[stdin]", "- reads rows from standard input: a text a line, or JSON lines")
      .option("--text <text>", "a text to label; may be given several times", collect, [])
      .option("--data <files...>", "files whose rows to label")
      .option("--labels <names>", "label names, separated by commas; default: the run's", collectNames)
      .option("--limit <rows>", "label at most this many rows", wholeNumber(1))
      .option("--output <file>", "write the lines there, in place of standard output");
    addExamples(command, [
      ['fettle predict runs/quickstart --text "Stocks fell on Monday"', "one text"],
      ["fettle predict runs/quickstart --data new.jsonl --output labels.jsonl", "a line of JSON for every row"],
      ["head -n 5 headlines.txt | fettle predict runs/quickstart -", "rows from another program"],
    ]);
  },

  async run(command, terminal) {
    const { text, data, labels, limit, output } = command.opts<PredictFlags>();
    const fromStdin = command.args[1] === "-";
    const sources = [text.length > 0, data !== undefined, fromStdin].filter(Boolean).length;
    if (sources !== 1 || command.args.length > (fromStdin ? 2 : 1)) throw wrongSources(sources);
    using input = fromStdin ? await spoolStdin() : undefined;
    const source = text.length > 0 ? { texts: text } : { data: data ?? [input!.path] };
    const options: PredictOptions = { ...source, ...input, labels, limit, onEvent: terminal.onEvent };

    using model = await loadModel(command.args[0]!, loadOptions(command, terminal));
    using sink = output === undefined ? undefined : new LineFile(output, data ?? []);
    const kept: Prediction[] = [];
    let rows = 0;
    for await (const prediction of predictRows(model, options)) {
      rows++;
      const named = input === undefined ? prediction : { ...prediction, where: `stdin:${lineOf(prediction)}` };
      if (sink) sink.line(JSON.stringify(named));
      else if (terminal.json) kept.push(named);
      else terminal.print(JSON.stringify(named));
      if (terminal.closed) break;
    }
    if (sink) terminal.print(`${rows} ${rows === 1 ? "line" : "lines"} in ${output}`);
    return { json: { kind: "predictions", rows, ...(sink ? { output } : { predictions: kept }) } };
  },
};

function lineOf({ where }: Prediction): string {
  return where.slice(where.lastIndexOf(":") + 1);
}

function wrongSources(sources: number): UserError {
  return new UserError({
    code: "predict/sources",
    message: sources === 0 ? "there is nothing to label" : "rows come from one place: --text, --data or -",
    fix: "give --text TEXT, --data FILE, or - for standard input",
  });
}
