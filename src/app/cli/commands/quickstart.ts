import { Option } from "commander";
import { quickstart as runQuickstart } from "../../api/quickstart.ts";
import { formatBytes, formatDuration, formatPercent } from "../../report/format.ts";
import { renderComparisonTable } from "../../report/terminal-table.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { collect } from "../options.ts";

interface QuickstartFlags {
  readonly output: string;
  readonly device: "auto" | "cuda" | "cpu" | "reference";
  readonly set: readonly string[];
}

/** `fettle quickstart` */
export const quickstart: CommandModule = {
  define(command) {
    command
      .option("--output <folder>", "run folder; an earlier quickstart in it is replaced", "runs/quickstart")
      .addOption(
        new Option("--device <device>", "where it runs").choices(["auto", "cuda", "cpu", "reference"]).default("auto"),
      )
      .option("--set <option=value>", "override an option of recipes/quickstart.yaml", collect, []);
    addExamples(command, [["fettle quickstart", "a minute on two cores; the page is runs/quickstart/report.html"]]);
  },

  async run(command, terminal) {
    const { output, device, set } = command.opts<QuickstartFlags>();
    const result = await runQuickstart({ output, device, set, onEvent: terminal.onEvent });
    const { base, tuned, run, seconds, report } = result;
    const { bold, green } = terminal.colors;
    terminal.print(renderComparisonTable(base, tuned, terminal.colored));
    terminal.print();
    terminal.print(
      `${green(bold(`${formatPercent(base.accuracy)} → ${formatPercent(tuned.accuracy)}`))} in ${formatDuration(seconds)}, ` +
        `peak memory ${formatBytes(run.peakMemoryBytes)}`,
    );
    terminal.print(`Report: ${report}`);
    terminal.print(`Try it: fettle predict ${output} --text "Stocks fell on Monday"`);
    return { json: { kind: "quickstart", ...result, folder: output, sha256: run.weightsSha256 } };
  },
};
