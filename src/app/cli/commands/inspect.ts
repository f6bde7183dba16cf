import { InvalidArgumentError, Option } from "commander";
import { type DataFormat, dataFormats } from "../../../base/recipe/data-format.ts";
import { inspectPath } from "../../inspect/inspect-path.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { factLines } from "../facts.ts";

interface InspectOptions {
  readonly format: "auto" | DataFormat;
  readonly column: Readonly<Record<string, string | number>>;
}

/** `fettle inspect PATH` */
export const inspect: CommandModule = {
  define(command) {
    command
      .argument(
        "<path>",
        "data file, recipe, model folder or ORG/NAME on the hub, adapter folder, run folder or safetensors file",
      )
      .addOption(
        new Option("--format <format>", "how a data file is written").choices(["auto", ...dataFormats]).default("auto"),
      )
      .option("--column <field=column>", "what a data file calls a field, or its position, e.g. label=0", column, {});
    addExamples(command, [
      ["fettle inspect examples/ag-news/train.jsonl", "rows, fields, labels, and what is wrong with them"],
      ["fettle inspect news.csv --column label=0 --column text=2", "the same for a CSV file without header"],
      ["fettle inspect runs/quickstart --json", "how a run stands, with the sha256 of its weights"],
      ["fettle inspect models/fettle-nano", "a model by its headers: family, size, tokenizer, template"],
    ]);
  },

  async run(command, terminal) {
    const { format, column: columns } = command.opts<InspectOptions>();
    const inspection = await inspectPath(command.args[0]!, { format, columns });
    for (const line of factLines(inspection)) terminal.print(line);
    return { json: inspection };
  },
};

function column(value: string, before: InspectOptions["column"]): InspectOptions["column"] {
  const match = /^([^=]+)=(.+)$/.exec(value);
  if (match === null) throw new InvalidArgumentError("Write it like label=category, or label=0.");
  return { ...before, [match[1]!]: /^\d+$/.test(match[2]!) ? Number(match[2]) : match[2]! };
}
