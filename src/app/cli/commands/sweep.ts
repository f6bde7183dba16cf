import { relative } from "node:path";
import { formatCount, formatDuration } from "../../report/format.ts";
import { sweep as runSweep, type SweepPlan } from "../../sweep/run-sweep.ts";
import type { SweepResult, SweptRun } from "../../sweep/sweep-result.ts";
import { bestLine, sweepTable } from "../../sweep/sweep-table.ts";
import { addExamples, type CommandModule, type CommandOutcome } from "../command.ts";
import { interruptible } from "../interrupt.ts";
import { collect } from "../options.ts";
import { printable } from "../printable.ts";
import type { Terminal } from "../terminal.ts";

interface SweepFlags {
  readonly grid: readonly string[];
  readonly set: readonly string[];
  readonly metric?: string;
  readonly output?: string;
  readonly dryRun?: true;
}

/** `fettle sweep FILE` */
export const sweep: CommandModule = {
  define(command) {
    command
      .argument("<file>", "sweep file, or a recipe with --grid")
      .option("--grid <option=values>", "an option of the recipe and its values, e.g. lora.r=4,8,16", collect, [])
      .option("--set <option=value>", "override an option of the recipe for all runs", collect, [])
      .option("--metric <name>", "what the best run is chosen by, on validation rows, e.g. roc_auc")
      .option("--output <folder>", "folder of the runs; default: what the file says, otherwise runs/<its name>")
      .option("--dry-run", "check every combination and say how long all will take");
    addExamples(command, [
      ["fettle sweep recipes/java-vulnerabilities/lengths.sweep.yaml", "every combination of a file"],
      ["fettle sweep recipes/ag-news/nano.yaml --grid lora.r=4,8,16 --grid method=lora,qlora", "six runs of a recipe"],
      ["fettle sweep my.sweep.yaml", "again after Ctrl-C: goes on where it was"],
    ]);
  },

  async run(command, terminal) {
    const { dryRun, ...options } = command.opts<SweepFlags>();
    const result = await interruptible(terminal, "after this step, with a checkpoint", (signal) =>
      runSweep(command.args[0]!, {
        ...options,
        ...{ dryRun, signal },
        onPlan: (plan) => terminal.log(planLine(plan)),
        onRun: (run, index, total) => terminal.log(runLine(run, index, total)),
        onEvent: (event) => {
          const isNews = event.kind === "note" && event.level === "warning";
          if (event.kind === "progress" || isNews) terminal.onEvent(event);
        },
      }),
    );
    print(terminal, result, dryRun === true);
    return outcomeOf(result);
  },
};

function planLine({ runs, done, seconds }: SweepPlan): string {
  const before = done === 0 ? "" : `, ${formatCount(done)} of them done already`;
  return `${formatCount(runs)} runs${before}; the rest takes about ${formatDuration(seconds)} and the time to score them (an estimate)`;
}

function runLine({ name, status, result, error }: SweptRun, index: number, total: number): string {
  const place = `[${index}/${total}] ${printable(name)}`;
  if (error !== null) return `${place}: failed: ${printable(error)}`;
  return result === null ? place : `${place}: ${status} in ${formatDuration(result.seconds)}`;
}

function print(terminal: Terminal, result: SweepResult, isPlan: boolean): void {
  const { runs, output, interrupted } = result;
  const path = relative(".", output);
  const folder = path === "" || path.startsWith("..") ? output : path;
  const { bold, red, yellow } = terminal.colors;
  if (runs.some((run) => run.result !== null)) {
    terminal.print(printable(sweepTable(result)));
    terminal.print(bestLine(result));
  }
  for (const { name, error } of runs) if (error !== null) terminal.print(red(printable(`failed: ${name}: ${error}`)));
  if (isPlan) {
    terminal.print(bold("Everything is in order; nothing was trained (--dry-run)."));
    for (const { name, result: over } of runs) if (over === null) terminal.print(`  ${printable(name)}`);
  } else terminal.print(`${folder}/report.html, ${folder}/sweep.json`);
  if (interrupted) terminal.print(yellow("Interrupted. The same command goes on where it was."));
}

function outcomeOf(result: SweepResult): CommandOutcome {
  const failed = result.runs.filter(({ error }) => error !== null).map(({ name }) => name);
  return { json: { kind: "sweep", ...result, failed }, passed: failed.length === 0 };
}
