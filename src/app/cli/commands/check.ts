import { check as checkTraining } from "../../api/check.ts";
import { formatCount } from "../../report/format.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { forecastLines } from "../forecast-lines.ts";
import { collect, wholeNumber } from "../options.ts";

interface CheckOptions {
  readonly gpu?: string;
  readonly gpus?: number;
  readonly set: readonly string[];
}

const MOST_GPUS = 65_536;

/** `fettle check RECIPE` */
export const check: CommandModule = {
  define(command) {
    command
      .argument("<recipe>", "recipe file (YAML)")
      .option("--gpu <name|GiB>", "plan for another card, e.g. h100, or 24 for one of 24 GiB")
      .option("--gpus <n>", "plan for so many GPUs, among which each step is divided", wholeNumber(1, MOST_GPUS))
      .option("--set <option=value>", "override an option of the recipe, e.g. method=qlora", collect, []);
    addExamples(command, [
      ["fettle check my.yaml", "memory by part and time, on this machine; no weights are read"],
      ["fettle check my.yaml --gpu h100", "the same for a card that is elsewhere"],
      ["fettle check my.yaml --gpu h100 --gpus 8", "what each of eight takes, and how long they take together"],
      ["fettle check my.yaml --gpu 24 --set method=qlora", "whether QLoRA fits 24 GiB"],
    ]);
  },

  async run(command, terminal) {
    const options = command.opts<CheckOptions>();
    const { forecast, data, refusal } = await checkTraining(command.args[0]!, {
      ...options,
      onEvent: terminal.onEvent,
    });
    for (const line of forecastLines(forecast)) terminal.print(line);
    if (refusal !== undefined) throw refusal;
    terminal.print(`${formatCount(data.train.rows)} examples; next: fettle train ${command.args[0]}`);
    return { json: { kind: "check", ...forecast, data } };
  },
};
