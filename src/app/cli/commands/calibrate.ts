import { Option } from "commander";
import { parseThresholdRule } from "../../../base/recipe/threshold-rule.ts";
import { metrics } from "../../../tune/evaluate/metrics.ts";
import { type Calibrated, calibrate as calibrateModel } from "../../api/calibrate.ts";
import { loadModel } from "../../api/load-model.ts";
import { formatFigure } from "../../report/format.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { addModelOptions, loadOptions } from "../model-options.ts";
import { required, wholeNumber } from "../options.ts";
import type { Terminal } from "../terminal.ts";

interface CalibrateFlags {
  readonly data?: readonly string[];
  readonly calibration: "temperature" | "none";
  readonly threshold?: string;
  readonly limit?: number;
}

/** `fettle calibrate MODEL --data FILE` */
export const calibrate: CommandModule = {
  define(command) {
    addModelOptions(command);
    command
      .option("--data <files...>", "rows with labels, neither learnt nor tested on (required)")
      .addOption(
        new Option("--calibration <kind>", "of probabilities").choices(["temperature", "none"]).default("temperature"),
      )
      .option("--threshold <rule>", "f1, recall_at_precision, cost, or a rule as in evaluation.threshold of a recipe")
      .option("--limit <rows>", "use at most this many rows", wholeNumber(1));
    addExamples(command, [
      ["fettle calibrate runs/mine --data valid.jsonl --threshold f1", "a temperature and the threshold of highest F1"],
      [
        'fettle calibrate runs/mine --data valid.jsonl --threshold "{choose: recall_at_precision, min_precision: 0.95}"',
        "as many as can be found with 95 % of them right",
      ],
      ["fettle calibrate runs/mine --data runs/mine/splits.json", "rows that the run set aside for validation"],
      ["fettle calibrate runs/mine --data valid.jsonl --calibration none", "back to probabilities as they come"],
    ]);
  },

  async run(command, terminal) {
    const { data, calibration, threshold, limit } = command.opts<CalibrateFlags>();
    const files = required(data, "--data FILE");
    const rule = threshold === undefined ? null : parseThresholdRule(threshold, "--threshold");
    using model = await loadModel(command.args[0]!, loadOptions(command, terminal));
    const kind = calibration === "none" ? null : calibration;
    const options = { data: files, limit, calibration: kind, threshold: rule, onEvent: terminal.onEvent };
    const calibrated = await calibrateModel(model, options);
    print(calibrated, terminal);
    return { json: { kind: "calibration", model: command.args[0], ...calibrated } };
  },
};

function print({ folder, chosenOn: { rows, before, after } }: Calibrated, terminal: Terminal): void {
  const changed = metrics.filter(({ name, main }) => main && before[name] !== after[name]);
  const width = Math.max(0, ...changed.map(({ title }) => title.length));
  for (const { name, title } of changed) {
    const [was, is] = [before[name], after[name]].map((value) =>
      typeof value === "number" ? formatFigure(value) : "–",
    );
    terminal.print(`${title.padEnd(width)}  ${was} → ${is}`);
  }
  if (changed.length === 0) terminal.print(`Answers are as they were on ${rows} rows.`);
  terminal.print(`\nwritten to ${folder}/classifier.json; \`fettle eval\` tells what it is worth on other rows`);
}
