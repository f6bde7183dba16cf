import { relative } from "node:path";
import { InvalidArgumentError } from "commander";
import { arrayTask } from "../../environment.ts";
import { formatCount, formatDuration } from "../../report/format.ts";
import { sweep as runSweep, type SweepPlan } from "../../sweep/run-sweep.ts";
import type { SweepShard } from "../../sweep/share-sweep.ts";
import { sweepOfFolder } from "../../sweep/sweep-of-folder.ts";
import type { SweepResult, SweptRun } from "../../sweep/sweep-result.ts";
import { bestLine, sweepTable } from "../../sweep/sweep-table.ts";
import { addExamples, type CommandModule, type CommandOutcome } from "../command.ts";
import { interruptible } from "../interrupt.ts";
import { launchShards } from "../launch-shards.ts";
import { collect, wholeNumber } from "../options.ts";
import { printable } from "../printable.ts";
import type { Terminal } from "../terminal.ts";

interface SweepFlags {
  readonly grid: readonly string[];
  readonly set: readonly string[];
  readonly metric?: string;
  readonly output?: string;
  readonly dryRun?: true;
  readonly shard?: SweepShard;
  readonly gpus?: number;
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
      .option("--dry-run", "check every combination and say how long all will take")
      .option("--shard <i/n>", "one of n processes that share the sweep; in a SLURM array the task says which", shardOf)
      .option("--gpus <n>", "share it among this many GPUs of this machine", wholeNumber(1, 1024));
    addExamples(command, [
      ["fettle sweep recipes/java-vulnerabilities/lengths.sweep.yaml", "every combination of a file"],
      ["fettle sweep recipes/ag-news/nano.yaml --grid lora.r=4,8,16 --grid method=lora,qlora", "six runs of a recipe"],
      ["fettle sweep my.sweep.yaml", "again after Ctrl-C: goes on where it was"],
      ["fettle sweep my.sweep.yaml --gpus 4", "four runs at a time, on a GPU each"],
      ["fettle sweep my.sweep.yaml --shard 2/8", "the second of eight processes, on any machines with this folder"],
    ]);
  },

  async run(command, terminal) {
    const { dryRun, gpus, shard: given, ...options } = command.opts<SweepFlags>();
    const path = command.args[0]!;
    if (gpus !== undefined && !dryRun) {
      const { grid, set, metric, output } = options;
      const words = [
        ...["sweep", path],
        ...grid.flatMap((one) => ["--grid", one]),
        ...set.flatMap((one) => ["--set", one]),
        ...(metric ? ["--metric", metric] : []),
        ...(output ? ["--output", output] : []),
      ];
      const exitCode = await launchShards(gpus, words, terminal);
      const swept = sweepOfFolder(path, options);
      if (swept === undefined) return { json: {}, exitCode };
      print(terminal, swept, false);
      return outcomeOf(swept);
    }
    const shard = given ?? arrayTask();
    if (shard) terminal.log(`process ${shard.index} of ${shard.count} that share the sweep`);
    const result = await interruptible(terminal, "after this step, with a checkpoint", (signal) =>
      runSweep(path, {
        ...options,
        shard,
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

/** `2/8` */
function shardOf(text: string): SweepShard {
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (shard.index >= 1 && shard.index <= shard.count) return shard;
  throw new InvalidArgumentError("It must be such as 2/8: the second of eight.");
}

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
