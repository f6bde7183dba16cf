import { generate as generateText } from "../../api/generate.ts";
import { loadModel } from "../../api/load-model.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { addModelOptions, loadOptions } from "../model-options.ts";
import { collect, numberBetween, required, wholeNumber } from "../options.ts";
import { printable } from "../printable.ts";

interface GenerateFlags {
  readonly prompt?: string;
  readonly system?: string;
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly seed: number;
  readonly stop: readonly string[];
}

/** `fettle generate MODEL --prompt TEXT` */
export const generate: CommandModule = {
  define(command) {
    addModelOptions(command);
    command
      .option(
        "--prompt <text>",
        "what the user says, or a text to go on from for a model without chat template (required)",
      )
      .option("--system <text>", "system message; default: the run's")
      .option("--max-new-tokens <count>", "end after this many tokens", wholeNumber(1), 256)
      .option("--temperature <number>", "0 takes the most probable token each time", numberBetween(0, 100), 0)
      .option("--top-p <share>", "only the most probable tokens that reach this sum", numberBetween(0, 1), 1)
      .option("--top-k <count>", "only this many of the most probable tokens; 0: all", wholeNumber(0), 0)
      .option("--seed <number>", "of the draws", wholeNumber(0), 0)
      .option("--stop <text>", "end before this text; may be given several times", collect, []);
    addExamples(command, [
      ['fettle generate runs/mine --prompt "What is LoRA?"', "the most probable answer"],
      ['fettle generate runs/mine --prompt "A poem" --temperature 0.8 --top-p 0.95 --seed 1', "a drawn one"],
    ]);
  },

  async run(command, terminal) {
    const { system, maxNewTokens, temperature, topP, topK, seed, stop } = command.opts<GenerateFlags>();
    const prompt = required(command.opts<GenerateFlags>().prompt, "--prompt TEXT");
    using model = await loadModel(command.args[0]!, loadOptions(command, terminal));
    const options = { prompt, system, maxNewTokens, temperature, topP, topK, seed, stopStrings: stop };
    const start = performance.now();
    let text = "";
    let tokens = 0;
    let finish = "length";
    for await (const piece of generateText(model, options)) {
      text += piece.text;
      tokens++;
      finish = piece.finish ?? finish;
      terminal.write(process.stdout.isTTY ? printable(piece.text) : piece.text);
      if (terminal.closed) break;
    }
    terminal.print();
    const seconds = (performance.now() - start) / 1000;
    return { json: { kind: "generation", text, tokens, finish, seconds } };
  },
};
