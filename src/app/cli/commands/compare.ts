import { statSync } from "node:fs";
import { Option } from "commander";
import type { ToolComparison } from "../../../tune/evaluate/compare/alerts/alert-comparison.ts";
import type { DecidedRow } from "../../../tune/evaluate/compare/alerts/decided-row.ts";
import {
  type CompareSubjectsOptions,
  type ComparisonResult,
  compare as compareSubjects,
  type Disagreement,
} from "../../api/compare.ts";
import { writeComparison } from "../../api/comparison-file.ts";
import { renderPair, renderSubjectTable } from "../../report/comparison-table.ts";
import { describeComparison, describePair, describeRows } from "../../report/comparison-words.ts";
import { plainTable } from "../../report/plain-table.ts";
import { renderToolComparison } from "../../report/tools-table.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { LineFile, refuseInput } from "../line-file.ts";
import { addDeviceOptions } from "../model-options.ts";
import { collect, collectNames, wholeNumber } from "../options.ts";
import { printable } from "../printable.ts";
import type { Terminal } from "../terminal.ts";

interface CompareFlags
  extends Pick<
    CompareSubjectsOptions,
    "data" | "labels" | "limit" | "group" | "metric" | "maxNewTokens" | "tools" | "taxonomy" | "kind" | "toolAnswers"
  > {
  readonly by: readonly string[];
  readonly resamples: number;
  readonly seed: number;
  readonly disagreements?: string;
  readonly output?: string;
}

/** Disagreements that are printed. */
const PRINTED = 5;
/** Of a class, rows that only a model has right, and that only tools have right, in the object of `--json`. */
const TO_READ = 3;
/** Disagreements in the object of `--json`; all go to `--disagreements`. */
const LISTED = 1000;

/** `fettle compare A B ...` */
export const compare: CommandModule = {
  define(command) {
    command.argument(
      "<subjects...>",
      "two or more, or one with --tools: run folder, model folder, ORG/NAME on the hub, or file of predictions (JSONL, CSV)",
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
      .option("--tools <names>", "scanners that answer to the same rows: hadolint,trivy,kics,terrascan", collectNames)
      .option(
        "--taxonomy <file>",
        "which rules of the tools mean which label; default: scan.taxonomy of the runs' recipes",
      )
      .addOption(
        new Option("--kind <kind>", "what the rows are, for --tools").choices(["dockerfile", "java", "solidity"]),
      )
      .option(
        "--tool-answers <file>",
        "what the tools said: read where it is there, otherwise they are run and it is written",
      )
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
      [
        "fettle compare runs/risks --tools hadolint,trivy --taxonomy risks.taxonomy.yaml --output beside.json",
        "a run and two scanners",
      ],
    ]);
  },

  async run(command, terminal) {
    const { disagreements: file, output, ...options } = command.opts<CompareFlags>();
    const { args } = command;
    const inputs = [
      ...(options.data ?? []),
      ...(options.taxonomy === undefined ? [] : [options.taxonomy]),
      ...args.filter((name) => statSync(name, { throwIfNoEntry: false })?.isFile()),
    ];
    for (const written of [output, options.toolAnswers]) if (written !== undefined) refuseInput(written, inputs);
    using sink = file === undefined ? undefined : new LineFile(file, inputs);
    const result = await compareSubjects(args, { ...options, onEvent: terminal.onEvent });
    const { beside } = result;
    for (const row of beside?.decided ?? result.disagreements) sink?.line(JSON.stringify(row));

    terminal.print(`${describeRows(result)}, matched by ${result.matchedBy}\n`);
    if (beside === undefined) printSubjects(result, file, terminal);
    else {
      terminal.print(`${renderToolComparison(beside, terminal.colored)}\n`);
      printDecided(beside, file, terminal);
    }
    const json = jsonOf(result);
    if (output !== undefined) writeComparison(output, json);
    return { json };
  },
};

/** All that was found; of the disagreements the first. */
function jsonOf({ kind: answers, disagreements, beside, ...rest }: ComparisonResult): object {
  const verdicts = rest.pairs.map((pair) => describePair({ ...rest, kind: answers }, pair));
  const listed = disagreements.slice(0, LISTED);
  const figures = { ...rest, kind: "comparison", answers, verdicts };
  const told = { disagreeing: disagreements.length, disagreements: listed };
  if (beside === undefined) return { ...figures, ...told };
  return { ...figures, beside: { ...beside, decided: firstOfEach(beside.decided) }, ...told };
}

/** A few of each class to read, with their texts. */
function firstOfEach(rows: readonly DecidedRow[]): DecidedRow[] {
  const counts = new Map<string, number>();
  return rows.filter(({ model, label, right }) => {
    const key = JSON.stringify([model, label, right]);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return count <= TO_READ;
  });
}

function printSubjects(result: ComparisonResult, file: string | undefined, terminal: Terminal): void {
  if (result.subjects.length > 2) terminal.print(`${printable(describeComparison(result).headline)}\n`);
  terminal.print(renderSubjectTable(result, terminal.colored));
  for (const pair of result.pairs) terminal.print(`\n${renderPair(result, pair, terminal.colored)}`);
  printDisagreements(result.disagreements, file, terminal);
}

/** How many rows of each class only a model, and only tools, have right, each with the first one. */
function printDecided({ counts, decided }: ToolComparison, file: string | undefined, terminal: Terminal): void {
  if (decided.length === 0) return;
  const { dim } = terminal.colors;
  const rows = counts.flatMap(({ label, onlyModel, onlyTools }) => {
    const cell = (count: number, right: DecidedRow["right"]): string => {
      const first = decided.find((row) => row.label === label && row.right === right);
      return `${count}${first === undefined ? "" : dim(printable(`  such as ${nameOf(first)}`))}`;
    };
    return onlyModel + onlyTools === 0 ? [] : [[printable(label), cell(onlyModel, "model"), cell(onlyTools, "tools")]];
  });
  terminal.print(plainTable(["", "only the model is right", "only tools are right"].map(dim), rows, 3));
  terminal.print(dim(file === undefined ? "\n--disagreements FILE writes all" : `\nall ${decided.length} in ${file}`));
}

function nameOf({ where, row }: { readonly where?: string | undefined; readonly row: number }): string {
  return where ?? `row ${row}`;
}

function printDisagreements(rows: readonly Disagreement[], file: string | undefined, terminal: Terminal): void {
  if (rows.length === 0) return;
  const { dim } = terminal.colors;
  terminal.print("");
  for (const disagreement of rows.slice(0, PRINTED)) {
    const { target, answers, text } = disagreement;
    const given = Object.entries(answers).map(([name, answer]) => `${name} ${answerText(answer)}`);
    const truth = target === undefined ? "" : `true ${answerText(target)}: `;
    terminal.print(oneLine(`${nameOf(disagreement)}  ${truth}${given.join(", ")}`));
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
