import { statSync } from "node:fs";
import { Option } from "commander";
import {
  type CompareSubjectsOptions,
  type ComparisonResult,
  compare as compareSubjects,
  type Disagreement,
} from "../../api/compare.ts";
import { writeComparison } from "../../api/comparison-file.ts";
import { renderPair, renderSubjectTable } from "../../report/comparison-table.ts";
import { describeComparison, describePair, describeRows } from "../../report/comparison-words.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { LineFile, refuseInput } from "../line-file.ts";
import { addDeviceOptions } from "../model-options.ts";
import { collect, collectNames, wholeNumber } from "../options.ts";
import { printable } from "../printable.ts";
import type { Terminal } from "../terminal.ts";

interface CompareFlags
  extends Pick<CompareSubjectsOptions, "data" | "labels" | "limit" | "group" | "metric" | "maxNewTokens"> {
  readonly by: readonly string[];
  readonly resamples: number;
  readonly seed: number;
  readonly disagreements?: string;
  readonly output?: string;
}

/** Disagreements that are printed. */
const PRINTED = 5;
/** Disagreements in the object of `--json`; all go to `--disagreements`. */
const LISTED = 1000;

/** `fettle compare A B ...` */
export const compare: CommandModule = {
  define(command) {
    command.argument(
      "<subjects...>",
      "two or more: run folder, model folder, ORG/NAME on the hub, or file of predictions (JSONL, CSV)",
    );
    addDeviceOptions(command);
    command
      .option("--recipe <file>", "recipe that says how rows are read; a run brings its own")
      .option("--data <files...>", "files with labelled rows; default: the test set of the runs")
      .option("--labels <names>", "label names, separated by commas, for models that do not know theirs", collectNames)
      .option("--limit <rows>", "compare on at most this many rows", wholeNumber(1))
      .option("--metric <name>", "what decides between written answers: token_f1, exact_match, char_f1, …")
      .option("--max-new-tokens <count>", "most tokens of a written answer; default 256", wholeNumber(1))
      .option("--by <field>", "slice by this field too; may be given several times", collect, [])
      .option("--group <field>", "rows with the same value of it belong together, and are drawn and tested together")
      .option("--output <file>", "write the object of --json there, for `fettle report --comparison`")
      .option("--disagreements <file>", "write all rows on which answers differ there, a line of JSON each")
      .addOption(new Option("--resamples <count>", "bootstrap draws").argParser(wholeNumber(100, 1e6)).default(2000))
      .addOption(new Option("--seed <number>", "of the draws").argParser(wholeNumber(0)).default(0));
    addExamples(command, [
      ["fettle compare runs/a runs/b", "two runs on their own test set"],
      [
        "fettle compare models/base runs/a runs/b --data test.jsonl --by source",
        "a base and two runs, sliced by a field",
      ],
      [
        "fettle compare ours.jsonl theirs.csv --data test.jsonl --group author",
        "predictions, rows of an author together",
      ],
    ]);
  },

  async run(command, terminal) {
    const { disagreements: file, output, ...options } = command.opts<CompareFlags>();
    const { args } = command;
    const inputs = [
      ...(options.data ?? []),
      ...args.filter((name) => statSync(name, { throwIfNoEntry: false })?.isFile()),
    ];
    if (output !== undefined) refuseInput(output, inputs);
    using sink = file === undefined ? undefined : new LineFile(file, inputs);
    const result = await compareSubjects(args, { ...options, onEvent: terminal.onEvent });
    for (const row of result.disagreements) sink?.line(JSON.stringify(row));

    if (result.subjects.length > 2) terminal.print(`${printable(describeComparison(result).headline)}\n`);
    terminal.print(`${describeRows(result)}, matched by ${result.matchedBy}\n`);
    terminal.print(renderSubjectTable(result, terminal.colored));
    for (const pair of result.pairs) terminal.print(`\n${renderPair(result, pair, terminal.colored)}`);
    printDisagreements(result.disagreements, file, terminal);
    const json = jsonOf(result);
    if (output !== undefined) writeComparison(output, json);
    return { json };
  },
};

/** All that was found; of the disagreements the first. */
function jsonOf({ kind: answers, disagreements, ...rest }: ComparisonResult): object {
  const verdicts = rest.pairs.map((pair) => describePair({ ...rest, kind: answers }, pair));
  const listed = disagreements.slice(0, LISTED);
  return { ...rest, kind: "comparison", answers, verdicts, disagreeing: disagreements.length, disagreements: listed };
}

function printDisagreements(rows: readonly Disagreement[], file: string | undefined, terminal: Terminal): void {
  if (rows.length === 0) return;
  const { dim } = terminal.colors;
  terminal.print("");
  for (const { where, row, target, answers, text } of rows.slice(0, PRINTED)) {
    const given = Object.entries(answers).map(([name, answer]) => `${name} ${answerText(answer)}`);
    const truth = target === undefined ? "" : `true ${answerText(target)}: `;
    terminal.print(oneLine(`${where ?? `row ${row}`}  ${truth}${given.join(", ")}`));
    if (text !== undefined) terminal.print(dim(oneLine(`  ${text.slice(0, 160)}`)));
  }
  const more = rows.length - PRINTED;
  const rest = more > 0 ? `${more} more rows with different answers` : "";
  if (file !== undefined) terminal.print(dim(`all ${rows.length} in ${file}`));
  else if (more > 0) terminal.print(dim(`… and ${rest}; --disagreements FILE writes all`));
}

function answerText(answer: string | readonly string[]): string {
  return typeof answer === "object" ? `[${answer.join(", ")}]` : answer.slice(0, 160);
}

function oneLine(text: string): string {
  return printable(text).replace(/\s+/g, " ");
}
