import { openDataContext } from "../../../inspect/data-context.ts";
import { changesRows } from "../../../inspect/data-preparation.ts";
import { showRows } from "../../../inspect/show-rows.ts";
import { addExamples, type CommandModule } from "../../command.ts";
import { addContextOptions, contextOptions } from "../../context-options.ts";
import { wholeNumber } from "../../options.ts";
import { legend, rowLines } from "../../row-lines.ts";

const AS_READ =
  "Rows as they are read; the recipe leaves some out, repeats or sets some aside: `fettle data stats` counts.";

interface ShowFlags {
  readonly rows?: number;
  readonly row?: number;
  readonly ids?: true;
  readonly full?: true;
}

/** `fettle data show DATA` */
export const show: CommandModule = {
  define(command) {
    addContextOptions(command);
    command
      .option("--rows <count>", "how many rows, from the first (default: 3)", wholeNumber(1))
      .option("--row <number>", "this row alone, counted from 1 among those that can be used", wholeNumber(1))
      .option("--ids", "every token with its id")
      .option("--full", "long texts and all questions about a row whole");
    addExamples(command, [
      ["fettle data show recipes/quickstart.yaml", "three rows as they will be learnt"],
      ["fettle data show news.jsonl --model runs/mine --row 17 --ids", "one row token by token"],
      ["fettle data show chats.jsonl", "what is said, where no model is known yet"],
    ]);
  },

  async run(command, terminal) {
    const { rows, row, ids = false, full = false } = command.opts<ShowFlags>();
    const context = await openDataContext(command.args[0]!, contextOptions(command), terminal.onEvent);
    const shown = await showRows(context, { rows, row }, terminal.onEvent);
    if (context.tokens !== undefined) terminal.print(legend(terminal));
    if (context.training && changesRows(context.recipe)) terminal.print(AS_READ);
    for (const one of shown) for (const line of rowLines(one, { ids, full }, terminal)) terminal.print(line);
    return { json: { kind: "data rows", rows: shown } };
  },
};
