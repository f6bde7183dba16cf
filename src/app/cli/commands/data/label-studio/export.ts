import { Option } from "commander";
import { UserError } from "../../../../../base/errors.ts";
import { loadModel } from "../../../../api/load-model.ts";
import { exportTasks } from "../../../../label-studio/export-tasks.ts";
import { type Measure, measures } from "../../../../label-studio/uncertainty.ts";
import { formatCount } from "../../../../report/format.ts";
import { addExamples, type CommandModule } from "../../../command.ts";
import { collectNames, wholeNumber } from "../../../options.ts";
import { addReadingOptions, readingOf } from "../../../reading-options.ts";
import { addServerOptions, serverOf } from "../../../server-options.ts";

interface ExportFlags {
  readonly project?: number;
  readonly title?: string;
  readonly control?: string;
  readonly labels?: readonly string[];
  readonly several?: true;
  readonly model?: string;
  readonly measure: Measure;
  readonly recipe?: string;
  readonly limit?: number;
}

/** `fettle data label-studio export FILES...` */
export const exportCommand: CommandModule = {
  define(command) {
    command
      .argument("<files...>", "data files whose rows people are to label; labels in them stay here")
      .option("--project <number>", "project to add tasks to; default: a new one is made", wholeNumber(1))
      .option("--title <text>", "of a new project; default: the first file's name")
      .option(
        "--labels <names>",
        "of a new project, separated by commas; default: the model's, or the data's",
        collectNames,
      )
      .option("--several", "people may choose several labels, in a new project")
      .option("--control <name>", "control of the project that labels are chosen in, where there are several")
      .option(
        "--model <model>",
        "run, adapter or model: its answers are shown, and what it is least sure of comes first",
      )
      .addOption(new Option("--measure <measure>", "of how sure the model is").choices(measures).default("margin"))
      .option("--limit <tasks>", "at most so many new tasks: the least certain, or the first", wholeNumber(1))
      .option("--recipe <file>", "recipe that says how rows are read; a run brings its own");
    addReadingOptions(command);
    addServerOptions(command);
    addExamples(command, [
      ["fettle data label-studio export news.jsonl --labels World,Sports,Business", "a new project"],
      [
        "fettle data label-studio export news.jsonl --model runs/mine --limit 200",
        "the 200 rows a run is least sure of",
      ],
      ["fettle data label-studio export more.jsonl --project 3 --model runs/mine", "more tasks; none twice"],
    ]);
  },

  async run(command, terminal) {
    const { model: name, recipe, ...flags } = command.opts<ExportFlags>();
    const { onEvent } = terminal;
    const client = serverOf(command, onEvent);
    if (flags.project !== undefined) refuseForNew(flags);
    // Before a model is opened, which takes longer.
    await client.get(flags.project === undefined ? "/api/projects/?page_size=1" : `/api/projects/${flags.project}/`);
    const stated = readingOf(command);
    using model = name === undefined ? undefined : await loadModel(name, { recipe, onEvent });
    const reading = model === undefined || recipe !== undefined ? stated : withColumns(model.reading, stated);
    const asked = model && { ...model, reading };
    const done = await exportTasks(client, command.args, { ...flags, reading, model: asked, onEvent });
    const { tasks, there, repeated, predictions, url } = done;
    terminal.print(`${formatCount(tasks)} new tasks, ${formatCount(predictions)} with answers of the model, in ${url}`);
    if (there + repeated > 0) {
      terminal.print(
        `${formatCount(there)} rows are tasks already, ${formatCount(repeated)} say what an earlier one says`,
      );
    }
    terminal.print(
      `Next, when they are labelled: fettle data label-studio import --project ${done.project} --output labels.jsonl`,
    );
    return { json: done };
  },
};

/** What only a new project can be told. */
function refuseForNew({ title, labels, several }: ExportFlags): void {
  const given = title !== undefined ? "--title" : labels !== undefined ? "--labels" : several ? "--several" : undefined;
  if (given === undefined) return;
  throw new UserError({
    code: "label-studio/new-project",
    message: `${given} is for a new project, and --project names one that is there`,
    fix: "leave one of them out; labels are changed in the project's settings",
  });
}

/** The run's way of reading, with the command line's word on format and columns. */
function withColumns<T extends ReturnType<typeof readingOf>>(own: T, { data }: ReturnType<typeof readingOf>): T {
  const format = data.format === "auto" ? own.data.format : data.format;
  return { ...own, data: { ...own.data, format, columns: { ...own.data.columns, ...data.columns } } };
}
