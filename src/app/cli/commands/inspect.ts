import { inspectPath } from "../../inspect/inspect-path.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { factLines } from "../facts.ts";
import { addReadingOptions, type ReadingFlags } from "../reading-options.ts";

/** `fettle inspect PATH` */
export const inspect: CommandModule = {
  define(command) {
    command.argument(
      "<path>",
      "data file, recipe, model folder or ORG/NAME on the hub, adapter folder, run folder or safetensors file",
    );
    addReadingOptions(command);
    addExamples(command, [
      ["fettle inspect examples/ag-news/train.jsonl", "rows, fields, labels, and what is wrong with them"],
      ["fettle inspect news.csv --column label=0 --column text=2", "the same for a CSV file without header"],
      ["fettle inspect runs/quickstart --json", "how a run stands, with the sha256 of its weights"],
      ["fettle inspect models/fettle-nano", "a model by its headers: family, size, tokenizer, template"],
    ]);
  },

  async run(command, terminal) {
    const { format, column: columns } = command.opts<ReadingFlags>();
    const inspection = await inspectPath(command.args[0]!, { format, columns });
    for (const line of factLines(inspection)) terminal.print(line);
    return { json: inspection };
  },
};
