import { openDataContext } from "../../../inspect/data-context.ts";
import { preparedSets } from "../../../inspect/data-preparation.ts";
import { dataStats } from "../../../inspect/data-stats.ts";
import { addExamples, type CommandModule } from "../../command.ts";
import { addContextOptions, contextOptions } from "../../context-options.ts";
import { preparationLines } from "../../preparation-lines.ts";
import { statsLines } from "../../stats-lines.ts";

/** `fettle data stats DATA` */
export const stats: CommandModule = {
  define(command) {
    addContextOptions(command);
    addExamples(command, [
      ["fettle data stats news.csv", "rows, labels, characters, duplicates, problems"],
      ["fettle data stats recipes/quickstart.yaml", "the sets of a recipe, in tokens and as training has them"],
      ["fettle data stats new.jsonl --model runs/mine", "other data, with the eyes of a run"],
    ]);
  },

  async run(command, terminal) {
    const context = await openDataContext(command.args[0]!, contextOptions(command), terminal.onEvent);
    const sets = await dataStats(context, terminal.onEvent);
    for (const set of sets) for (const line of statsLines(set, terminal)) terminal.print(line);
    const prepared = await preparedSets(context, sets, terminal.onEvent);
    if (prepared !== undefined) for (const line of preparationLines(prepared, terminal)) terminal.print(line);
    return { json: { kind: "data statistics", sets, prepared: prepared ?? null } };
  },
};
