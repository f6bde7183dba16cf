import { relative } from "node:path";
import type { Command } from "commander";
import { UserError } from "../../../base/errors.ts";
import { readRunInfo } from "../../../tune/train/run-folder.ts";
import type { RunResult } from "../../../tune/train/start-run.ts";
import { testFilesOf } from "../../api/test-files.ts";
import { train as startTraining } from "../../api/train.ts";
import { formatBytes, formatCount, formatDuration } from "../../report/format.ts";
import { addExamples, type CommandModule, type CommandOutcome } from "../command.ts";
import { comparisonLine } from "../forecast-lines.ts";
import { interruptible } from "../interrupt.ts";
import { launchProcesses } from "../launch-processes.ts";
import { ledgerLines } from "../ledger-lines.ts";
import { collect, wholeNumber } from "../options.ts";
import { amongProcesses } from "../processes.ts";
import type { Terminal } from "../terminal.ts";

interface TrainOptions {
  readonly resume?: true;
  readonly dryRun?: true;
  readonly set: readonly string[];
  readonly output?: string;
  readonly gpus?: number;
  readonly processes?: number;
}

/** Of one machine. */
const MOST_PROCESSES = 1024;

/** `fettle train RECIPE` */
export const train: CommandModule = {
  define(command) {
    command
      .argument("<recipe>", "recipe file (YAML)")
      .option("--resume", "go on from the newest checkpoint in the run folder")
      .option("--dry-run", "read, check and choose everything, and stop before the first step")
      .option("--set <option=value>", "override an option of the recipe, e.g. training.batch_size=8", collect, [])
      .option("--output <folder>", "run folder; default: what the recipe says, otherwise runs/<recipe name>")
      .option(
        "--gpus <n>",
        "train on this many GPUs of this machine, by a process each",
        wholeNumber(1, MOST_PROCESSES),
      )
      .option("--processes <n>", "train by this many processes of this machine", wholeNumber(1, MOST_PROCESSES));
    addExamples(command, [
      ["fettle train recipes/ag-news/nano.yaml", "trains, and writes runs/ag-news-nano"],
      ["fettle train my.yaml --dry-run", "checks recipe, model and data, and shows what would be done"],
      ["fettle train my.yaml --set seed=7 --output runs/seed-7", "the same recipe with another seed"],
      ["fettle train my.yaml --resume", "goes on after Ctrl-C, a crash or a full disk"],
      ["fettle train my.yaml --gpus 4", "the same run, with each step divided among four GPUs"],
      [
        "torchrun --no-python --nproc-per-node 8 --nnodes 2 … fettle train my.yaml",
        "two machines; srun and mpirun alike",
      ],
    ]);
  },

  async run(command, terminal) {
    const options = command.opts<TrainOptions>();
    const path = command.args[0]!;
    const { gpus, processes } = options;
    if (gpus !== undefined && processes !== undefined) throw twoCounts();
    const count = gpus ?? processes;
    if (count !== undefined) {
      const onCards = gpus === undefined ? [] : ["--set", "device=cuda"];
      const words = [...commandWords(command), ...onCards, ...(terminal.json ? ["--json"] : [])];
      return { json: {}, exitCode: await launchProcesses(count, words, terminal) };
    }
    const result = await interruptible(terminal, "after this step, with a checkpoint", (signal) =>
      amongProcesses(terminal, signal, (group) =>
        startTraining(path, { ...options, group, signal, onEvent: terminal.onEvent }),
      ),
    );
    if (terminal.muted) return outcomeOf(result);
    printResult(terminal, result, resumeLine(command));
    return outcomeOf(result);
  },
};

/** The command as it was given, without the number of processes. */
function commandWords(command: Command): string[] {
  const { set, output, resume, dryRun } = command.opts<TrainOptions>();
  return [
    "train",
    command.args[0]!,
    ...set.flatMap((one) => ["--set", one]),
    ...(output ? ["--output", output] : []),
    ...(resume ? ["--resume"] : []),
    ...(dryRun ? ["--dry-run"] : []),
  ];
}

/** The command that goes on with an interrupted run. */
function resumeLine(command: Command): string {
  const words = commandWords(command).filter((word) => word !== "--resume");
  return ["fettle", ...words.map(quoted), "--resume"].join(" ");
}

function twoCounts(): UserError {
  return new UserError({
    code: "cli/conflicting-options",
    message: "--gpus and --processes both say how many processes are to be started",
    fix: "give one of them",
  });
}

function quoted(word: string): string {
  return /^[\w./=:,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** As it is best typed from here. */
function shownPath(folder: string): string {
  const path = relative(".", folder);
  return path === "" || path.startsWith("..") ? folder : path;
}

function printResult(terminal: Terminal, result: RunResult, goOn: string): void {
  const { status, steps, totalSteps, seconds, peakMemoryBytes, weightsSha256, ledger, best } = result;
  const folder = shownPath(result.folder);
  const { bold, green, yellow } = terminal.colors;
  if (status === "planned") {
    terminal.print(bold("Everything is in order; nothing was trained (--dry-run)."));
    terminal.print(`  ${formatCount(result.data.train.rows)} examples, ${formatCount(totalSteps)} steps`);
    terminal.print(`  ${formatCount(result.trainableParameters)} trained parameters`);
    terminal.print(`  would write ${folder}`);
    return;
  }
  const paint = status === "interrupted" ? yellow : green;
  terminal.print(
    `${paint(bold(status))} after ${formatCount(steps)} of ${formatCount(totalSteps)} steps, ` +
      `${formatDuration(seconds)}, peak memory ${formatBytes(peakMemoryBytes)}`,
  );
  if (result.measured !== null) terminal.print(`  ${comparisonLine(result.predicted, result.measured)}`);
  if (best !== null && best !== undefined) terminal.print(`  best at step ${formatCount(best.step)}`);
  for (const line of ledger === null ? [] : ledgerLines(ledger)) terminal.print(`  ${line}`);
  terminal.print(`  run folder ${folder}`);
  if (weightsSha256 !== null) terminal.print(`  sha256 of the weights ${weightsSha256}`);
  terminal.print();
  if (status === "interrupted") terminal.print(`A checkpoint was written. Go on with: ${goOn}`);
  else terminal.print(nextLine(result.folder, quoted(folder)));
}

/** What fits the run: one with a test set need not be given any, and one without labels writes. */
function nextLine(folder: string, shown: string): string {
  const scored = `fettle eval ${shown}${testFilesOf(folder) === undefined ? " --data FILE" : ""}`;
  const asked = readRunInfo(folder).labels ? `predict ${shown} --text TEXT` : `generate ${shown} --prompt TEXT`;
  return `Next: ${scored}, or fettle ${asked}`;
}

function outcomeOf(result: RunResult): CommandOutcome {
  return { json: { kind: "run", ...result, sha256: result.weightsSha256 } };
}
