import { Option } from "commander";
import type { PrepareOptions } from "../../../../base/recipe/recipe.ts";
import { splitData } from "../../../api/split-data.ts";
import { addExamples, type CommandModule } from "../../command.ts";
import { collectNames, numberBetween, required, wholeNumber } from "../../options.ts";
import { preparedLines } from "../../prepared-lines.ts";
import { addReadingOptions, readingOf } from "../../reading-options.ts";

interface SplitFlags {
  readonly output?: string;
  readonly validation?: number;
  readonly test?: number;
  readonly group?: readonly string[];
  readonly exactDuplicates: PrepareOptions["exact_duplicates"];
  readonly conflictingLabels: PrepareOptions["conflicting_labels"];
  readonly nearDuplicates: PrepareOptions["near_duplicates"];
  readonly seed?: number;
  readonly force?: true;
}

const actions = ["ignore", "report", "drop"] as const;

/** `fettle data split FILE... --output DIR` */
export const split: CommandModule = {
  define(command) {
    command
      .argument("<files...>", "data files, read one after the other")
      .option("--output <folder>", "folder for train.jsonl, validation.jsonl and test.jsonl (required)")
      .option("--validation <share>", "share of the rows for validation, such as 0.1", numberBetween(0, 1))
      .option("--test <share>", "share of the rows for the test set", numberBetween(0, 1))
      .option(
        "--group <fields>",
        "fields whose rows with an equal value stay together, separated by commas; default: repo, commit and such",
        collectNames,
      )
      .addOption(
        new Option("--exact-duplicates <action>", "rows that repeat an earlier one").choices(actions).default("report"),
      )
      .addOption(
        new Option("--conflicting-labels <action>", "equal texts with different labels")
          .choices([...actions, "refuse"])
          .default("report"),
      )
      .addOption(
        new Option("--near-duplicates <action>", "rows nearly the same as an earlier one with the same label")
          .choices(actions)
          .default("ignore"),
      )
      .option("--seed <number>", "which rows are taken; default 42", wholeNumber(0))
      .option("--recipe <file>", "recipe that says how rows are read: columns, labels, template")
      .option("--force", "write over files that are there");
    addReadingOptions(command);
    addExamples(command, [
      [
        "fettle data split rows.jsonl --validation 0.1 --test 0.1 --output data",
        "three files, each label's share in each",
      ],
      [
        "fettle data split java.jsonl --test 0.2 --group repo,commit --output data",
        "no repository, no commit in two files",
      ],
      ["fettle data split news.csv --test 0.1 --near-duplicates drop --output data", "without rows that say the same"],
    ]);
  },

  async run(command, terminal) {
    const flags = command.opts<SplitFlags>();
    const split = await splitData(command.args, {
      ...flags,
      output: required(flags.output, "--output FOLDER"),
      prepare: {
        exact_duplicates: flags.exactDuplicates,
        conflicting_labels: flags.conflictingLabels,
        near_duplicates: flags.nearDuplicates,
        ...(flags.group && { group_by: flags.group }),
      },
      reading: readingOf(command),
      onEvent: terminal.onEvent,
    });
    for (const line of preparedLines(split)) terminal.print(line);
    return { json: split };
  },
};
