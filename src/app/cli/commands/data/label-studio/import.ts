import { Option } from "commander";
import type { DataOptions } from "../../../../../base/recipe/recipe.ts";
import { importAnnotations } from "../../../../label-studio/import-annotations.ts";
import { formatCount } from "../../../../report/format.ts";
import { addExamples, type CommandModule } from "../../../command.ts";
import { required, wholeNumber } from "../../../options.ts";
import { addServerOptions, serverOf } from "../../../server-options.ts";

interface ImportFlags {
  readonly project?: number;
  readonly output?: string;
  readonly annotators: DataOptions["annotators"];
  readonly control?: string;
  readonly raw?: true;
  readonly force?: true;
}

/** `fettle data label-studio import --project ID --output OUT` */
export const importCommand: CommandModule = {
  define(command) {
    command
      .option("--project <number>", "project whose annotations are fetched (required)", wholeNumber(1))
      .option("--output <file>", "file to write: .jsonl or .json, with .gz to pack it (required)")
      .addOption(
        new Option("--annotators <policy>", "whose answer counts where people differ")
          .choices(["majority", "first", "refuse"])
          .default("majority"),
      )
      .option("--control <name>", "control that holds the labels; default: the one that is answered most")
      .option("--raw", "all tasks with all annotations, as the server's JSON export has them")
      .option("--force", "write over a file that is there");
    addServerOptions(command);
    addExamples(command, [
      ["fettle data label-studio import --project 3 --output labels.jsonl", "a row for each labelled task"],
      [
        "fettle data label-studio import --project 3 --output tasks.json --raw",
        "everything, for data.train: tasks.json",
      ],
    ]);
  },

  async run(command, terminal) {
    const flags = command.opts<ImportFlags>();
    const project = required(flags.project, "--project NUMBER");
    const output = required(flags.output, "--output FILE");
    const client = serverOf(command, terminal.onEvent);
    const done = await importAnnotations(client, { ...flags, project, output, onEvent: terminal.onEvent });
    const what = flags.raw ? "tasks" : "rows";
    terminal.print(`${formatCount(done.rows)} ${what} in ${output}, of ${formatCount(done.tasks)} tasks`);
    return { json: done };
  },
};
