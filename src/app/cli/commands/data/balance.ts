import { Option } from "commander";
import type { BalanceMethod } from "../../../../tune/data/prepare/balance.ts";
import { balanceData } from "../../../api/balance-data.ts";
import { addExamples, type CommandModule } from "../../command.ts";
import { required, wholeNumber } from "../../options.ts";
import { preparedLines } from "../../prepared-lines.ts";
import { addReadingOptions, readingOf } from "../../reading-options.ts";

interface BalanceFlags {
  readonly output?: string;
  readonly method?: BalanceMethod;
  readonly seed?: number;
  readonly force?: true;
}

/** `fettle data balance FILE... --method METHOD --output FILE` */
export const balance: CommandModule = {
  define(command) {
    command
      .argument("<files...>", "data files, read one after the other")
      .addOption(
        new Option(
          "--method <method>",
          "rows of each label: as many as of the most frequent, as of the rarest, or by the square root (required)",
        ).choices(["oversample", "undersample", "square_root"]),
      )
      .option("--output <file>", "file to write: .jsonl or .json, with .gz to pack it (required)")
      .option("--seed <number>", "which rows are copied or left out; default 42", wholeNumber(0))
      .option("--recipe <file>", "recipe that says how rows are read: columns, labels, template")
      .option("--force", "write over a file that is there");
    addReadingOptions(command);
    addExamples(command, [
      ["fettle data balance train.jsonl --method oversample --output balanced.jsonl", "rare labels as often as others"],
      [
        "fettle data balance data.csv --column label=team --method square_root --output b.jsonl",
        "halfway, by the root",
      ],
    ]);
  },

  async run(command, terminal) {
    const flags = command.opts<BalanceFlags>();
    const balanced = await balanceData(command.args, {
      ...flags,
      method: required(flags.method, "--method METHOD"),
      output: required(flags.output, "--output FILE"),
      reading: readingOf(command),
      onEvent: terminal.onEvent,
    });
    for (const line of preparedLines(balanced)) terminal.print(line);
    return { json: balanced };
  },
};
