import { Option } from "commander";
import { silverLabels } from "../../../api/silver/silver-labels.ts";
import { formatCount, formatFigure } from "../../../report/format.ts";
import { plainTable } from "../../../report/plain-table.ts";
import type { TextKind } from "../../../tools/tool.ts";
import { addExamples, type CommandModule } from "../../command.ts";
import { refuseInput } from "../../line-file.ts";
import { collectNames, required, wholeNumber } from "../../options.ts";
import { preparedLines } from "../../prepared-lines.ts";
import { printable } from "../../printable.ts";
import { addReadingOptions, readingOf } from "../../reading-options.ts";

interface SilverFlags {
  readonly tools?: readonly string[];
  readonly taxonomy?: string;
  readonly output?: string;
  readonly gold?: readonly string[];
  readonly votes?: number;
  readonly kind: TextKind;
  readonly force?: true;
}

/** `fettle data silver FILE... --tools NAMES --taxonomy FILE --output FILE` */
export const silver: CommandModule = {
  define(command) {
    command
      .argument("<files...>", "data files with texts, read one after the other")
      .option("--tools <names>", "scanners to ask: hadolint,trivy,kics,terrascan (required)", collectNames)
      .option("--taxonomy <file>", "which rules of the tools mean which label (required)")
      .option("--output <file>", "file to write: .jsonl or .json, with .gz to pack it (required)")
      .option(
        "--votes <count>",
        "tools that must agree on a label; default 1, or what --gold says",
        wholeNumber(1, 100),
      )
      .option("--gold <files...>", "labelled rows: each label gets the rule of voting that agrees with them best")
      .addOption(
        new Option("--kind <kind>", "what the texts are")
          .choices(["dockerfile", "java", "solidity"])
          .default("dockerfile"),
      )
      .option("--recipe <file>", "recipe that says how rows are read: columns, format")
      .option("--force", "write over a file that is there");
    addReadingOptions(command);
    addExamples(command, [
      [
        "fettle data silver files.jsonl --tools hadolint,trivy --taxonomy risks.taxonomy.yaml --output silver.jsonl",
        "rows with the labels that either tool finds",
      ],
      [
        "fettle data silver files.jsonl --tools hadolint,trivy,kics --taxonomy risks.taxonomy.yaml --gold train.jsonl --output silver.jsonl",
        "with those that the tools are best believed in, by rows that people have labelled",
      ],
    ]);
  },

  async run(command, terminal) {
    const flags = command.opts<SilverFlags>();
    const output = required(flags.output, "--output FILE");
    const taxonomy = required(flags.taxonomy, "--taxonomy FILE");
    refuseInput(output, [...command.args, ...(flags.gold ?? []), taxonomy]);
    const labelled = await silverLabels(command.args, {
      ...flags,
      output,
      taxonomy,
      tools: required(flags.tools, "--tools NAMES"),
      reading: readingOf(command),
      onEvent: terminal.onEvent,
    });
    const { dim } = terminal.colors;
    const names = labelled.tools.map(({ name }) => name);
    const agrees = labelled.classes.some(({ agreement }) => agreement !== undefined);
    const head = [
      "label",
      "rows",
      ...names,
      "votes",
      "left out",
      ...(agrees ? ["precision", "recall", "F1 on gold"] : []),
    ];
    const rows = labelled.classes.map(({ name, rows: count, byTool, votes, without, agreement }) => [
      printable(name),
      formatCount(count),
      ...names.map((tool) => formatCount(byTool[tool] ?? 0)),
      String(votes),
      String(without.length),
      ...(agreement === undefined
        ? []
        : [agreement.precision, agreement.recall, agreement.f1].map((value) => value.toFixed(2))),
    ]);
    terminal.print(plainTable(head.map(dim), rows));
    terminal.print();
    for (const { name, version, unread, seconds } of labelled.tools) {
      const took = seconds === 0 ? "from the cache" : `${formatFigure(seconds)} s`;
      terminal.print(`${name} ${version}: ${took}, ${formatCount(unread)} rows it could not read`);
    }
    for (const line of preparedLines(labelled)) terminal.print(line);
    return { json: labelled };
  },
};
