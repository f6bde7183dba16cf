import { Option } from "commander";
import { type TargetShape, targetShapes } from "../../../../tune/data/target-shape.ts";
import { convertData } from "../../../api/convert-data.ts";
import { formatCount } from "../../../report/format.ts";
import { addExamples, type CommandModule } from "../../command.ts";
import { collectNames, required } from "../../options.ts";
import { addReadingOptions, readingOf } from "../../reading-options.ts";

interface ConvertFlags {
  readonly output?: string;
  readonly shape?: TargetShape;
  readonly drop?: readonly string[];
  readonly skip?: true;
  readonly force?: true;
}

/** `fettle data convert IN... --output OUT` */
export const convert: CommandModule = {
  define(command) {
    command
      .argument("<files...>", "data files, read one after the other")
      .option("--output <file>", "file to write: .jsonl, .json, .csv or .tsv, with .gz to pack it (required)")
      .addOption(
        new Option("--shape <shape>", "what rows become; default: they keep their fields").choices(targetShapes),
      )
      .option("--recipe <file>", "recipe that says how rows are read: columns, labels, template")
      .option("--drop <fields>", "fields to leave out, separated by commas", collectNames)
      .option("--skip", "leave out rows that would lose something, and count them")
      .option("--force", "write over a file that is there");
    addReadingOptions(command);
    addExamples(command, [
      ["fettle data convert news.csv --output news.jsonl.gz", "the same rows in another format"],
      ["fettle data convert chats.json --shape sharegpt --output chats.jsonl", "conversations as ShareGPT has them"],
      ["fettle data convert a.jsonl b.csv --shape text-label --output all.csv --drop id", "two files as one table"],
    ]);
  },

  async run(command, terminal) {
    const { output, ...flags } = command.opts<ConvertFlags>();
    const path = required(output, "--output FILE");
    const conversion = await convertData(command.args, {
      ...flags,
      output: path,
      reading: readingOf(command),
      onEvent: terminal.onEvent,
    });
    const { rows, skipped, fields } = conversion;
    const left = skipped === 0 ? "" : `, ${formatCount(skipped)} left out`;
    terminal.print(`${formatCount(rows)} rows in ${path}${left}: ${fields.slice(0, 20).join(", ")}`);
    return { json: conversion };
  },
};
